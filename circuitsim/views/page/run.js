// The page of a run: its circuit, played, and computed anew where numbers are changed.

const scene = readData("scene"), player = new Player();
player.load(scene, (number) => readData("window-" + number), readData("program"), (number) => readData("group-" + number));
player.start();

new Tour(player, byId("tour"), byId("guide"));

// For tests and the curious.
window.circuitsim = player.live && player.live.handle(player);
