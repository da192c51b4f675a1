"use strict";
/* Draws the figures in the page's own colours, one after the other so that the page can be read
   meanwhile, and again when the colours change: in dark, on paper. Lets a reader choose, rescale,
   sort, and keep only the parallel lines that pass where they drag. */
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const coarse = matchMedia("(pointer: coarse)").matches;
  const logarithmic = new Set();
  const chosen = new Map();
  const seen = new Set();
  const brushes = new Map(); // of figures with parallel axes: by axis, from where to where

  const coloured = (value, style) => {
    if (typeof value === "string") {
      return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  };

  const brushed = (name, figure) => {
    const ranges = [...(brushes.get(name) ?? [])];
    if (ranges.length === 0) return figure;
    const stride = figure.layout.meta.parallel + 1; // a line's points, and the gap behind it
    const data = figure.data.map((trace) => {
      const y = [];
      for (let start = 0; start < trace.y.length; start += stride) {
        const passes = ([axis, [low, high]]) => trace.y[start + axis] >= low && trace.y[start + axis] <= high;
        if (ranges.every(passes)) y.push(...trace.y.slice(start, start + stride));
      }
      return { ...trace, x: trace.x.slice(0, y.length), y };
    });
    const shapes = ranges.map(([axis, [low, high]]) => ({
      type: "rect", x0: axis - 0.07, x1: axis + 0.07, y0: low, y1: high,
      fillcolor: "var(--drawdown-fill)", line: { color: "var(--ring)", width: 1.5 },
    }));
    return { data, layout: { ...figure.layout, shapes: [...figure.layout.shapes, ...shapes] } };
  };

  const brush = (name, box) => {
    const count = figures[name].layout.meta.parallel;
    const reached = (event) => {
      const { xaxis, yaxis } = box._fullLayout;
      const place = box.getBoundingClientRect();
      const x = xaxis.p2d(event.clientX - place.left - xaxis._offset);
      const y = yaxis.p2d(event.clientY - place.top - yaxis._offset);
      return { axis: Math.min(Math.max(Math.round(x), 0), count - 1), y: Math.min(Math.max(y, 0), 1) };
    };
    let from = null;
    box.classList.add("brushed");
    box.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType !== "touch") from = reached(event);
    });
    addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [one, other] = [from.y, reached(event).y];
      const ranges = new Map(brushes.get(name));
      if (Math.abs(one - other) < 0.01) ranges.delete(from.axis);
      else ranges.set(from.axis, [Math.min(one, other), Math.max(one, other)]);
      from = null;
      brushes.set(name, ranges);
      draw(name);
    });
  };

  const draw = (name) => {
    const style = getComputedStyle(root);
    const box = document.getElementById(name);
    const figure = figures[name].choices ? figures[name].choices[chosen.get(name) ?? 0] : figures[name];
    const { data, layout } = coloured(brushed(name, figure), style);
    const ink = style.getPropertyValue("--ink").trim();
    const card = style.getPropertyValue("--card").trim();
    const line = style.getPropertyValue("--line").trim();
    const timed = layout.xaxis.type === "date";
    if (logarithmic.has(name)) layout.yaxis = { ...layout.yaxis, type: "log", dtick: "D2" };
    Plotly.react(box, data, {
      ...layout,
      autosize: true,
      showlegend: false,
      dragmode: coarse || !timed ? false : "zoom",
      margin: { l: 8, r: 10, t: 8, b: layout.xaxis.title ? 48 : 24, pad: 0, ...layout.margin },
      font: { family: style.getPropertyValue("--sans").trim(), size: 12, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: ink },
    }, {
      responsive: true,
      displaylogo: false,
      displayModeBar: timed && !coarse,
      modeBarButtons: [["toImage", "zoom2d", "resetScale2d"]],
    });
    if (figure.layout.meta?.parallel && !coarse && !seen.has(name)) brush(name, box);
    seen.add(name);
  };
  const drawSeen = () => seen.forEach(draw);
  const drawAll = () => Object.keys(figures).forEach(draw);

  for (const button of document.querySelectorAll("button.log")) {
    const name = button.closest("figure").querySelector(".plot").id;
    if (button.getAttribute("aria-pressed") === "true") logarithmic.add(name);
    button.addEventListener("click", () => {
      const pressed = !logarithmic.delete(name);
      if (pressed) logarithmic.add(name);
      button.setAttribute("aria-pressed", String(pressed));
      draw(name);
    });
  }
  for (const select of document.querySelectorAll("figure select")) {
    const name = select.closest("figure").querySelector(".plot").id;
    select.addEventListener("change", () => {
      chosen.set(name, Number(select.value));
      draw(name);
    });
  }
  for (const button of document.querySelectorAll("button.sorter")) {
    const head = button.closest("th");
    const place = head.cellIndex;
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const body = head.closest("table").tBodies[0];
      const value = (row) => Number.parseFloat(row.cells[place].dataset.value.replace("inf", "Infinity"));
      const last = (number) => (Number.isNaN(number) ? 1 : 0);
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (last(x) || last(y)) return last(x) - last(y);
        return x === y ? 0 : (x < y) === descending ? 1 : -1;
      });
      body.append(...rows);
    });
  }

  const onPaper = (printing) => {
    root.classList.toggle("paper", printing);
    drawAll();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawSeen);
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  if (location.hash === "#paper") { // printed by fanfold: on A4; people choose their own paper
    const sheet = document.createElement("style");
    sheet.textContent = "@page { size: A4; }";
    document.head.append(sheet);
    onPaper(true);
    return;
  }
  const waiting = Object.keys(figures);
  const next = () => {
    if (waiting.length > 0) {
      draw(waiting.shift());
      setTimeout(next);
    }
  };
  next();
})();
