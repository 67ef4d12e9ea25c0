// What every page needs: its data, its theme, and short words that pass.

// The theme: as it was chosen last, else as the system has it, and it follows the system.
function followTheme(changed) {
  const root = document.documentElement, dark = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const put = (theme) => {
    root.dataset.theme = theme;
    changed();
  };
  put(kept() ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => kept() ?? put(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", theme);
    } catch {
      /* pages in a frame may keep nothing */
    }
    put(theme);
  });
}

function byId(id) {
  return document.getElementById(id);
}

function readData(id) {
  const found = byId(id);
  return found ? JSON.parse(found.textContent) : null;
}

// Words that pass.
function toast(words) {
  const holder = document.querySelector(".toast");
  holder.textContent = words;
  holder.classList.add("on");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => holder.classList.remove("on"), 2400);
}
