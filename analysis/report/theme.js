// Few colours, each with one meaning; safe for the colour-blind (Okabe and Ito's hues) and never the
// only sign: verdicts have a word and a shape too.
const light = {
  ground: "#fcfbf8", panel: "#f4f2ec", ink: "#1c1b19", soft: "#605d57", faint: "#77736b",
  line: "#d9d5cb", hair: "#e9e6de",
  holds: "#0b63a5", fails: "#c2410c", undecided: "#8a6100",
  main: "#0b63a5", second: "#9a5b13", third: "#00735c", fourth: "#8e4a7d",
  worst: "#c2410c", fault: "#c2410c",
  detect: "#e0a100", decide: "#b56a9c", act: "#0b63a5", clients: "#00937a",
};
const dark = {
  ground: "#131416", panel: "#1b1d20", ink: "#eceae5", soft: "#aaa69e", faint: "#8f8b83",
  line: "#3a3d42", hair: "#282b2f",
  holds: "#62b5ee", fails: "#ff8e57", undecided: "#f0b83a",
  main: "#62b5ee", second: "#e9a85b", third: "#4fcbae", fourth: "#d79ac6",
  worst: "#ff8e57", fault: "#ff8e57",
  detect: "#f0b83a", decide: "#d79ac6", act: "#62b5ee", clients: "#4fcbae",
};

const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = [];
let chosen = null; // "light", "dark", or as the system has it
let printing = false;

const isDark = () => !printing && (chosen ? chosen === "dark" : system.matches);
export const color = (name) => (isDark() ? dark : light)[name];
export const onChange = (listener) => listeners.push(listener);

export function redraw() {
  for (const listener of listeners) listener();
}
function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  redraw();
}
export function toggle() {
  chosen = isDark() ? "light" : "dark";
  apply();
}

export const sans =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

system.addEventListener("change", apply);
document.documentElement.dataset.theme = isDark() ? "dark" : "light";
// On paper: light, and with everything unfolded.
window.addEventListener("beforeprint", () => {
  printing = true;
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    details.dataset.closed = "";
  }
  apply();
});
window.addEventListener("afterprint", () => {
  printing = false;
  for (const details of document.querySelectorAll("details[data-closed]")) {
    details.open = false;
    delete details.dataset.closed;
  }
  apply();
});
