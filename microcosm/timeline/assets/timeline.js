// Comfort only: the page says everything without it (bars have labels, the table has the figures).
"use strict";

const chart = document.querySelector(".chart");
const tip = document.querySelector(".tip");
const ruler = document.querySelector(".ruler");
const seconds = JSON.parse(document.getElementById("timeline").textContent).seconds;

function clock(value) {
  const whole = Math.max(0, Math.round(value));
  const pad = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${minutes}m ${pad(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

// A label that does not fit its bar is worse than none; the tooltip still has it.
function fitLabels() {
  for (const bar of document.querySelectorAll(".bar")) {
    bar.textContent = bar.dataset.label ?? "";
    if (bar.scrollWidth > bar.clientWidth) bar.textContent = "";
  }
}

function showTip(bar, x, y) {
  tip.textContent = bar.dataset.tip;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(Math.max(8, x + 14), innerWidth - box.width - 8)}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18}px`;
}

function moveRuler(event) {
  const track = chart.querySelector(".axis .track").getBoundingClientRect();
  const share = (event.clientX - track.left) / track.width;
  ruler.hidden = share < 0 || share > 1;
  if (ruler.hidden) return;
  ruler.style.left = `${event.clientX - chart.getBoundingClientRect().left}px`;
  ruler.classList.toggle("left", share > 0.9);
  ruler.firstElementChild.textContent = clock(share * seconds);
}

chart.addEventListener("pointermove", (event) => {
  const bar = event.target.closest(".bar");
  moveRuler(event);
  if (bar) showTip(bar, event.clientX, event.clientY);
  else tip.hidden = true;
});
chart.addEventListener("pointerleave", () => { tip.hidden = ruler.hidden = true; });
chart.addEventListener("focusin", (event) => {
  const bar = event.target.closest(".bar");
  if (!bar) return;
  const box = bar.getBoundingClientRect();
  showTip(bar, box.left, box.bottom - 12);
});
chart.addEventListener("focusout", () => { tip.hidden = true; });
addEventListener("resize", fitLabels);
fitLabels();
