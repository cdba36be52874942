"use strict";
// The dots say in their titles what they are; this finds the one that is nearest to the pointer.
const chart = document.getElementById("chart");
if (chart) {
  const told = document.getElementById("told");
  const ring = document.getElementById("ring");
  const NEAR = 24;
  const dots = Array.from(chart.querySelectorAll(".dots > *"), (dot) => {
    const box = dot.cx ? [dot.cx, dot.cy, 0] : [dot.x, dot.y, dot.width.baseVal.value / 2];
    return { x: box[0].baseVal.value + box[2], y: box[1].baseVal.value + box[2], title: dot.firstChild };
  });
  const texts = dots.map((dot) => dot.title.textContent);
  dots.forEach((dot) => dot.title.remove());
  let at = dots.length;

  function tell(number) {
    at = number;
    ring.setAttribute("cx", dots[at].x);
    ring.setAttribute("cy", dots[at].y);
    ring.removeAttribute("hidden");
    told.textContent = texts[at];
  }

  function point(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    let best = -1, least = NEAR * NEAR;
    dots.forEach((dot, number) => {
      const far = (dot.x - place.x) ** 2 + (dot.y - place.y) ** 2;
      if (far <= least) { best = number; least = far; }
    });
    if (best >= 0) tell(best);
  }

  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: -1, ArrowLeft: 1 }[event.key];
    if (!step || !dots.length) return;
    event.preventDefault();
    tell(Math.min(Math.max(at + step, 0), dots.length - 1));
  });
  chart.setAttribute("tabindex", "0");
  told.textContent = "Point at a dot, or touch it. With the keyboard: \u2192 goes from the likeliest wrong label to the next, \u2190 back.";
  told.hidden = false;
}
