// What part of the circuit is in sight: fit, zoom about the pointer, drag, pinch, and an overview of large circuits.
//
// The drawing lies on the board as large as it is seen, and is moved as a whole, so that it need not be painted anew.

const LARGE = 1400; // pixels that are not squeezed into a window
const LARGEST = 4; // pixels on the screen for one of the drawing

class Camera {
  // layers: the drawing, and what flies over it, on the same board; overview: a small svg, shown when not all is in sight
  constructor(layers, overview) {
    Object.assign(this, {layers, overview, width: 1, height: 1, scale: 1, centre: [0, 0]});
    [this.svg] = layers;
    this.board = this.svg.parentElement;
    this.pointers = new Map();
    this.frame = makeSvg("rect", {class: "frame"});
    this.listen();
  }

  // Looks at a drawing: its width and height, and the places of its nodes for the overview.
  view([width, height], places) {
    Object.assign(this, {width, height, following: true});
    for (const svg of [...this.layers, this.overview]) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.overview.replaceChildren(...places.map(([x, y, w, h]) =>
      makeSvg("rect", {class: "dot", x: x - w / 2, y: y - h / 2, width: w, height: h, rx: 6})), this.frame);
    this.open();
  }

  // All of it, as large as the room allows, but hardly larger than drawn.
  fit() {
    const room = this.room();
    this.scale = Math.min(1.25, room.width / this.width, room.height / this.height);
    this.centre = [this.width / 2, this.height / 2];
    this.fitted = true;
    this.show();
  }

  // All of it if its words can be read then, and else its beginning.
  open() {
    this.fit();
    if (this.scale >= (this.width > LARGE ? 0.75 : 0.6) || this.room().width < 2) return;
    this.fitted = false;
    this.scale = 1;
    this.centre = [0, this.height / 2];
    this.clamp();
    this.show();
  }

  // Nothing is looked at beyond the edges of the drawing.
  clamp() {
    const room = this.room();
    this.centre = [[room.width, this.width], [room.height, this.height]].map(([seen, all], k) => {
      const half = seen / this.scale / 2;
      return 2 * half >= all ? all / 2 : Math.min(all - half, Math.max(half, this.centre[k]));
    });
  }

  // How wide and high the board is; where there is a legend, it lies below.
  room() {
    const {clientWidth: width, clientHeight: height} = this.board;
    return {width: Math.max(1, width), height: Math.max(1, height - (width < 600 || height < 300 ? 4 : 36))};
  }

  zoom(factor, x = null, y = null) {
    const room = this.room();
    const at = [x ?? room.width / 2, y ?? room.height / 2];
    const [px, py] = this.point(...at);
    const least = Math.min(0.2, room.width / this.width, room.height / this.height);
    this.scale = Math.min(LARGEST, Math.max(least, this.scale * factor));
    const [qx, qy] = this.point(...at);
    this.centre = [this.centre[0] + px - qx, this.centre[1] + py - qy];
    this.fitted = this.following = false;
    this.show();
  }

  // The place in the drawing under a place on the board.
  point(x, y) {
    const {width, height} = this.room();
    return [this.centre[0] + (x - width / 2) / this.scale, this.centre[1] + (y - height / 2) / this.scale];
  }

  // The place on the board of a place in the drawing.
  place(x, y) {
    const {width, height} = this.room();
    return [(x - this.centre[0]) * this.scale + width / 2, (y - this.centre[1]) * this.scale + height / 2];
  }

  show() {
    const room = this.room(), [x, y] = this.place(0, 0);
    const wide = this.width * this.scale, high = this.height * this.scale;
    for (const {style} of this.layers) {
      style.width = `${wide}px`;
      style.height = `${high}px`;
      style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    }
    this.board.classList.toggle("fitted", Boolean(this.fitted));
    const inside = x >= -1 && y >= -1 && x + wide <= room.width + 1 && y + high <= room.height + 1;
    this.overview.toggleAttribute("hidden", inside);
    const [left, top] = this.point(0, 0);
    const seen = {x: left, y: top, width: room.width / this.scale, height: room.height / this.scale};
    for (const [name, value] of Object.entries(seen)) this.frame.setAttribute(name, value);
    this.moved?.();
  }

  // Keep a place in sight, unless somebody has taken hold of the picture.
  follow(place, share = 1) {
    if (!this.following || this.fitted || !place) return;
    this.centre = [0, 1].map((k) => this.centre[k] + share * (place[k] - this.centre[k]));
    this.clamp();
    this.show();
  }

  // Brings a place into sight if it is not.
  reveal([x, y, width, height]) {
    const room = this.room(), [left, top] = this.place(x - width / 2, y - height / 2);
    const [right, bottom] = this.place(x + width / 2, y + height / 2);
    if (this.fitted || (left >= 0 && top >= 0 && right <= room.width && bottom <= room.height)) return;
    this.centre = [x, y];
    this.clamp();
    this.show();
  }

  listen() {
    const {svg, board, overview, pointers} = this;
    const local = (event) => {
      const box = board.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const free = (event) => event.target === board || svg.contains(event.target);
    board.addEventListener("wheel", (event) => {
      if (!free(event)) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), ...local(event));
    }, {passive: false});
    board.addEventListener("pointerdown", (event) => {
      if (!free(event) || event.target.closest(".live") || event.button) return;
      pointers.set(event.pointerId, local(event));
    });
    board.addEventListener("pointermove", (event) => {
      const was = pointers.get(event.pointerId);
      if (!was) return;
      const now = local(event);
      if (pointers.size === 1) {
        if (Math.hypot(now[0] - was[0], now[1] - was[1]) < 4 && !svg.classList.contains("dragging")) return;
        if (!svg.classList.contains("dragging")) board.setPointerCapture(event.pointerId);
        svg.classList.add("dragging");
        this.centre = [0, 1].map((k) => this.centre[k] - (now[k] - was[k]) / this.scale);
        this.fitted = this.following = false;
        this.show();
      } else {
        const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
        const span = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
        this.zoom(span(now, other) / span(was, other), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      pointers.set(event.pointerId, now);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      board.addEventListener(name, (event) => {
        pointers.delete(event.pointerId);
        if (!pointers.size) setTimeout(() => svg.classList.remove("dragging"));
      });
    }
    const jump = (event) => {
      const matrix = overview.getScreenCTM().inverse();
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
      this.centre = [at.x, at.y];
      this.following = this.fitted = false;
      this.show();
    };
    overview.addEventListener("pointerdown", (event) => {
      overview.setPointerCapture(event.pointerId);
      jump(event);
    });
    overview.addEventListener("pointermove", (event) => event.buttons && jump(event));
  }
}
