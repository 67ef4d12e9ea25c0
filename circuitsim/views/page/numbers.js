// Writes numbers as Python's "%.4g" does, with a true minus sign.

function show(value, digits = 4) {
  if (typeof value === "string") return value.replaceAll("-", "−");
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "−inf";
  let [mantissa, exponent] = rounded(Math.abs(value), digits);
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    mantissa = trimmed(mantissa[0] + "." + mantissa.slice(1)) + "e" + (exponent < 0 ? "−" : "+") + size;
  } else if (exponent < 0) {
    mantissa = trimmed("0." + "0".repeat(-exponent - 1) + mantissa);
  } else {
    mantissa = trimmed(mantissa.slice(0, exponent + 1) + "." + mantissa.slice(exponent + 1));
  }
  return (value < 0 ? "−" : "") + mantissa;
}

// The digits and the decimal exponent of a positive number. JavaScript rounds a tie up, Python to the even digit.
function rounded(value, digits) {
  const scaled = value * 10 ** (digits - 1 - Math.floor(Math.log10(value)));
  if (!(Math.abs(scaled - Math.floor(scaled) - 0.5) > 1e-3)) { // it may be a tie
    const [exact, exponent] = value.toExponential(40).split("e");
    const figures = exact.replace(".", "");
    if (/^50*$/.test(figures.slice(digits)) && "02468".includes(figures[digits - 1])) {
      return [figures.slice(0, digits), Number(exponent)];
    }
  }
  const [up, power] = value.toExponential(digits - 1).split("e");
  return [up.replace(".", ""), Number(power)];
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

function bracket(text) {
  return text.startsWith("−") ? "(" + text + ")" : text;
}

// "a", "a and b", "a, b and c", "a, b, c and 7 more"
function listed(words, most = 6) {
  if (words.length > most) words = [...words.slice(0, most - 1), words.length - most + 1 + " more"];
  return words.length < 2 ? words.join("") : words.slice(0, -1).join(", ") + " and " + words.at(-1);
}

function ticks(time) {
  return show(Math.round(time * 1000) / 1000, 7);
}

// Makes an element; text goes in as text, never as markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}
