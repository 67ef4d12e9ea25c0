// The page of a run: its circuit, played, and computed anew where numbers are changed.

const scene = readData("scene"), kept = readData("history");
let training = null;
const player = new Player({
  atEnd: !kept,
  drawn: () => training?.follow(player.time),
  told: (step) => {
    const iteration = training?.iteration(step.tag);
    return iteration == null ? null : `Iteration ${iteration}: `;
  },
});
if (kept) training = new Training(kept, byId("training"), (time) => player.seek(time));
player.load(scene, (number) => readData("window-" + number), readData("program"), (number) => readData("group-" + number));
player.start();

new Tour(player, byId("tour"), byId("guide"));

// For tests and the curious.
window.circuitsim = player.live && player.live.handle(player);
