// The rule at a gate: what it computes, and by what it multiplies a gradient, with names and with numbers.

const phone = window.matchMedia("(max-width: 600px)");

class Rule {
  constructor(scene, holder, choose) {
    Object.assign(this, {scene, holder, choose});
    holder.hidden = true;
    this.told = "";
  }

  // Shows the rule of what is chosen; the text is only made anew when it changed, so that it can be clicked.
  show(story, time, chosen) {
    const parts = !chosen || chosen.why ? null : "wire" in chosen ? this.wire(story, time, chosen.wire)
      : this.node(story, time, chosen.node);
    const told = parts ? JSON.stringify(parts) : "";
    if (told === this.told) return;
    this.told = told;
    this.holder.hidden = !parts;
    if (!parts) return this.holder.replaceChildren();
    const shut = make("button", {type: "button", class: "shut", "aria-label": "Close", onclick: () => this.choose(null)}, "×");
    this.holder.replaceChildren(shut, ...parts.map((line) =>
      make("p", {}, ...line.map(([text, look]) => look ? make("span", {class: look}, text) : text))));
  }

  node(story, time, index) {
    const node = this.scene.nodes[index], value = story.at(story.values[index], time);
    const felt = story.at(story.felt[index], time), name = [story.label(index), "name"];
    if (node.kind !== "gate") {
      const about = {input: "is an input.", parameter: "is a parameter.", constant: "is a constant.", output: "is an output."};
      const lines = [[name, [" " + about[node.kind]]], [["value "], [value ? show(value.value) : "not here yet", "v"]]];
      if (node.kind !== "constant") {
        lines.push([[node.kind === "output" ? "pull " : "gradient "], [felt ? story.feels(index, felt.tag, time) : "none yet", "g"]]);
      }
      return lines;
    }
    const sources = story.incoming[index].map((wire) => story.label(story.wires[wire][0]));
    const formula = node.operator ? story.formula(index, sources) : "a group";
    const line = [[node.name, "name"], [" = " + formula]];
    const inputs = value && story.inputs(index, value.tag, value.time);
    if (value && node.infix && inputs.every((input) => input !== null)) {
      line.push([" = " + story.formula(index, inputs.map((input) => bracket(show(input))))]);
    }
    line.push(value ? [" = "] : [": not computed yet"], ...(value ? [[show(value.value), "v"]] : []));
    const lines = [line];
    const about = this.scene.gates[node.gate];
    if (!node.operator && about) lines.push([[about, "soft"]]);
    const tag = felt?.tag ?? value?.tag;
    const shares = tag === undefined ? [] : story.shares(index, tag, time);
    const slopes = story.slopes.get(index + ":" + tag);
    const terms = this.scene.slopes?.[node.gate] ?? [];
    story.incoming[index].forEach((wire, port) => {
      const source = [story.label(story.wires[wire][0]), "name"];
      const share = shares.find((one) => one.wire === wire);
      const term = terms[port] ?? null, slope = slopes ? slopes[port] : null;
      const own = node.ports.length === 1 ? node.text : node.name;
      const put = (text) => term.replace(/#(o|\d+)/g, (_, place) => text(place));
      const words = term && /#/.test(term)
        ? put((place) => place === "o" ? own : sources[place]) : null;
      const figures = words && value && /[×÷−+^(√]/.test(term)
        ? put((place) => bracket(show(place === "o" ? value.value : inputs[place]))) : null;
      if (words && node.ports.length === 1) {
        lines.push([["slope = "], [words, "name"], ...(figures ? [[" = " + figures]] : []),
          ...(slope !== null ? [[" = " + show(slope)]] : [])]);
      }
      if (!share) {
        const slopeTold = words && slope !== null ? [[": slope "], [words, "name"], ...(words === show(slope) ? [] : [[" = " + show(slope)]])]
          : [[": waits for the gradient"]];
        return lines.push([["to "], source, ...(felt ? [[": nothing"]] : slopeTold)]);
      }
      const by = slope === null ? [[": by its rule "]]
        : [[": "], [show(felt.value), "g"], [" × "], ...(words && node.ports.length > 1 && slope !== null && words !== show(slope)
          ? [[words, "name"], [" = "], [show(felt.value), "g"], [" × "]] : []), [bracket(show(slope)) + " = "]];
      lines.push([["to "], source, ...by, [show(share.value), "g"]]);
    });
    return lines;
  }

  wire(story, time, wire) {
    const [source, target] = story.wires[wire];
    const value = story.at(story.carried[wire], time) ?? story.at(story.values[source], time);
    const gradient = story.at(story.returned[wire], time);
    return [
      [["The wire from "], [story.label(source), "name"], [" to "], [story.label(target), "name"]],
      [["value "], [value ? show(value.value) : "none yet", "v"], [", gradient "], [gradient ? show(gradient.value) : "none yet", "g"]],
    ];
  }

  // Puts the note where it hides least, and draws a line to what it tells of.
  place(chosen, camera, stage) {
    const {holder} = this;
    if (holder.hidden || !chosen) return mark(stage.leader, "d", "");
    const at = "wire" in chosen ? pointAt(stage.paths[chosen.wire], 0.5, 0) : stage.places[chosen.node];
    const [x, y] = camera.place(at[0], at[1]);
    if (phone.matches) return mark(stage.leader, "d", ""); // the note lies over the title
    const room = camera.room(), wide = holder.offsetWidth, high = holder.offsetHeight;
    const spots = stage.places.map(([nx, ny, w, h, , end]) => {
      const [cx, cy] = camera.place(nx, ny);
      return [cx - w / 2 * camera.scale - 8, cy - h / 2 * camera.scale - 20, cx + Math.max(w / 2, end - nx) * camera.scale, cy + (h / 2 + 24) * camera.scale];
    });
    const key = [chosen.node, chosen.wire, Math.round(x), Math.round(y), wide, high, room.width, room.height].join();
    if (key !== this.key) {
      const along = stage.paths.length > 60 ? [] : stage.paths.flatMap((path) =>
        Array.from({length: 12}, (_, at) => camera.place(...pointAt(path, at / 11, 0))));
      let best = [Infinity, 8, 8];
      for (let left = 8; left <= Math.max(8, room.width - wide - 8); left += 16) {
        for (let top = 4; top <= Math.max(4, room.height - high - 8); top += 12) {
          const away = Math.hypot(Math.max(left - x, 0, x - left - wide), Math.max(top - y, 0, y - top - high));
          let cost = 6 * away + 2 * Math.hypot(left + wide / 2 - x, top + high / 2 - y);
          if (away < 30) cost += 4000;
          for (const [u, v] of along) if (u > left - 8 && u < left + wide + 8 && v > top - 8 && v < top + high + 8) cost += 600;
          for (const [l, t, r, b] of spots) {
            cost += Math.max(0, Math.min(r, left + wide) - Math.max(l, left)) * Math.max(0, Math.min(b, top + high) - Math.max(t, top));
          }
          if (cost < best[0]) best = [cost, left, top];
        }
      }
      this.key = key;
      [, this.left, this.top] = best;
    }
    holder.style.left = this.left + "px";
    holder.style.top = this.top + "px";
    const near = camera.point(Math.max(this.left, Math.min(this.left + wide, x)), Math.max(this.top, Math.min(this.top + high, y)));
    mark(stage.leader, "d", `M${at[0]} ${at[1]}L${near[0]} ${near[1]}`);
  }
}
