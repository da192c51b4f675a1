"use strict";
/* Draws the figures in the page's own colours, and again when those change: in dark, on paper. */
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const coarse = matchMedia("(pointer: coarse)").matches;
  const logarithmic = new Set();

  const coloured = (value, style) => {
    if (typeof value === "string") {
      return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  };

  const draw = (name) => {
    const style = getComputedStyle(root);
    const box = document.getElementById(name);
    const { data, layout } = coloured(figures[name], style);
    const ink = style.getPropertyValue("--ink").trim();
    const card = style.getPropertyValue("--card").trim();
    const line = style.getPropertyValue("--line").trim();
    if (layout.yaxis2) layout.yaxis.type = logarithmic.has(name) ? "log" : "linear";
    Plotly.react(box, data, {
      ...layout,
      autosize: true,
      showlegend: false,
      dragmode: coarse ? false : "zoom",
      margin: { l: 8, r: 8, t: 8, b: layout.xaxis.title ? 48 : 24, pad: 0 },
      font: { family: style.getPropertyValue("--sans").trim(), size: 12, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: ink },
    }, {
      responsive: true,
      displaylogo: false,
      displayModeBar: Boolean(layout.yaxis2) && !coarse,
      modeBarButtons: [["toImage", "zoom2d", "resetScale2d"]],
    });
  };
  const drawAll = () => Object.keys(figures).forEach(draw);

  for (const button of document.querySelectorAll("figure button")) {
    const name = button.closest("figure").querySelector(".plot").id;
    button.addEventListener("click", () => {
      const pressed = !logarithmic.delete(name);
      if (pressed) logarithmic.add(name);
      button.setAttribute("aria-pressed", String(pressed));
      draw(name);
    });
  }
  const onPaper = (printing) => {
    root.classList.toggle("paper", printing);
    drawAll();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  drawAll();
})();
