"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const TEN_WITHIN_MS = 1200; // how soon a 0 must follow a 1 to mean ten
  const WHEEL_STEP = 40; // scrolled pixels per slice; a notch of a mouse wheel is more, a trackpad sends many small ones
  const WHEEL_LINE = 40; // pixels in a line, for browsers that count the wheel in lines

  const element = (id) => document.getElementById(id);
  const form = JSON.parse(element("form-data").textContent);
  const pages = ["start", "case", "end"];
  const radios = [...document.querySelectorAll("input[name=score]")];
  const slider = element("slice"); // null where a case is one slice
  const outline = element("outline"); // null where no masks are shown

  // ---- What is kept: who rates, which case is shown, and the answers by blinded id ----

  const storageName = `turing-test-${form.form_id}`;
  const nothingYet = () => ({ rater: "", experience: "", place: 0, answers: {} });
  let kept = readKept() || nothingYet();

  function readKept() {
    try {
      const found = JSON.parse(localStorage.getItem(storageName));
      return found?.answers ? found : null;
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      localStorage.setItem(storageName, JSON.stringify(kept));
    } catch {
      element("storage-notice").hidden = false;
    }
  }

  const answerTo = (id) => (kept.answers[id] ||= { score: null, seconds: 0, comment: "" });
  const isScored = (item) => kept.answers[item.id] !== undefined && kept.answers[item.id].score !== null;
  const scoredCount = () => form.cases.filter(isScored).length;
  const current = () => form.cases[kept.place];

  // ---- Time per case: counted only while the case is in sight ----

  let clockStart = null;

  function startClock() {
    clockStart = document.visibilityState === "visible" && !element("case").hidden ? performance.now() : null;
  }

  function stopClock() {
    if (clockStart !== null) {
      answerTo(current().id).seconds += (performance.now() - clockStart) / 1000;
      clockStart = null;
      keep();
    }
  }

  // ---- Pages ----

  function open(page) {
    stopClock();
    for (const name of pages) element(name).hidden = name !== page;
    window.scrollTo(0, 0);
    element(page).querySelector("h1").focus();
  }

  function openStart() {
    const started = kept.rater !== "";
    element("resume").hidden = !started;
    element("clear-check").hidden = true;
    element("who").hidden = started;
    element("resume-text").textContent =
      `${kept.rater} has scored ${scoredCount()} of ${form.cases.length} cases on this computer.`;
    open("start");
  }

  function openCase(place) {
    open("case");
    kept.place = place;
    lastOne = -Infinity; // a 1 and a 0 typed on two cases are no ten
    keep();
    const item = current();
    const answer = answerTo(item.id);
    element("case-title").textContent = `Case ${place + 1} of ${form.cases.length}`;
    element("progress").value = scoredCount();
    element("problem").textContent = "";
    element("comment").value = answer.comment;
    for (const radio of radios) radio.checked = Number(radio.value) === answer.score;
    drawStack(item);
    showSlice(item.start);
    startClock();
  }

  function openEnd() {
    open("end");
    element("end-text").textContent =
      `${kept.rater}, you have scored all ${form.cases.length} cases. ` +
      "Save your answers as a file, and send it to the person who gave you this form.";
    element("download-text").textContent = "";
  }

  // ---- The slices of a case: an SVG group each, of which one is shown ----

  let shownSlice = 0;

  function drawStack(item) {
    const [width, height] = form.size_mm;
    const scale = `scale(${width / form.pixels[0]} ${height / form.pixels[1]})`;
    const groups = item.pictures.map((picture, index) => {
      const image = { href: `data:image/png;base64,${picture}`, width, height, preserveAspectRatio: "none" };
      const paths = (item.outlines ? item.outlines[index] : []).map((d, label) =>
        shape("path", { d, stroke: form.colours[label], transform: scale })
      );
      return shape("g", { display: "none" }, [shape("image", image), ...paths]);
    });
    element("picture").replaceChildren(...groups);
  }

  function shape(name, attributes, children = []) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  function showSlice(index) {
    const count = current().pictures.length;
    shownSlice = Math.min(Math.max(index, 0), count - 1);
    [...element("picture").children].forEach((group, k) => {
      group.setAttribute("display", k === shownSlice ? "inline" : "none");
    });
    const words = `${shownSlice + 1} of ${count}`;
    element("picture").setAttribute("aria-label", `Slice ${words} of case ${kept.place + 1}`);
    if (slider) {
      slider.value = shownSlice + 1;
      slider.setAttribute("aria-valuetext", words);
      element("slice-number").textContent = words;
    }
  }

  // ---- Answers ----

  function giveScore(score) {
    answerTo(current().id).score = score;
    for (const radio of radios) radio.checked = Number(radio.value) === score;
    element("problem").textContent = "";
    element("progress").value = scoredCount();
    keep();
  }

  function goOn() {
    if (!isScored(current())) {
      element("problem").textContent = "Please give a score first.";
      radios[0].focus();
    } else if (kept.place + 1 < form.cases.length) {
      openCase(kept.place + 1);
    } else {
      openEnd();
    }
  }

  // ---- The file ----

  // A spreadsheet takes a text that begins like this for a formula; the ' keeps it a text, and is taken off when it is read.
  const safe = (text) => (/^['=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const quoted = (text) => `"${String(text).replace(/"/g, '""')}"`;

  function table() {
    const rows = form.cases.map((item) => {
      const { score, seconds, comment } = kept.answers[item.id];
      const texts = [form.form_id, safe(kept.rater), safe(kept.experience), item.id].map(quoted);
      return [...texts, score, seconds.toFixed(1), quoted(safe(comment))].join(",");
    });
    return ["form_id,rater,experience,blinded_id,score,seconds,comment", ...rows].join("\r\n") + "\r\n";
  }

  function download() {
    const rater = kept.rater.replace(/[^\p{L}\p{N}]+/gu, "_");
    const link = document.createElement("a");
    link.download = `ratings_${form.form_id}_${rater}.csv`;
    // With the mark that makes spreadsheets read it as UTF-8.
    link.href = URL.createObjectURL(new Blob(["\ufeff", table()], { type: "text/csv;charset=utf-8" }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    element("download-text").textContent = `Saved as ${link.download} where this browser puts its downloads.`;
  }

  // ---- Mouse, keys and buttons ----

  let wheelRest = 0;

  function onWheel(event) {
    event.preventDefault();
    wheelRest += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : WHEEL_LINE);
    const steps = Math.trunc(wheelRest / WHEEL_STEP);
    wheelRest -= steps * WHEEL_STEP;
    // One slice at a time, also when a notch of the wheel is a long way.
    showSlice(shownSlice + Math.sign(steps));
  }

  let lastOne = -Infinity;

  function onKey(event) {
    const target = event.target;
    if (element("case").hidden || event.ctrlKey || event.altKey || event.metaKey || target.type === "text") return;
    const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
    // Sliders and score buttons know the arrow keys themselves.
    if (event.key in steps && target.type !== "range" && target.type !== "radio") {
      showSlice(shownSlice + steps[event.key]);
    } else if (/^[0-9]$/.test(event.key)) {
      giveScore(event.key === "0" && event.timeStamp - lastOne < TEN_WITHIN_MS ? 10 : Number(event.key));
      lastOne = event.key === "1" ? event.timeStamp : -Infinity;
    } else if (event.key.toLowerCase() === "m" && outline) {
      outline.click();
    } else if (event.key === "Enter" && target.type !== "button" && target.type !== "submit") {
      goOn();
    } else {
      return;
    }
    event.preventDefault();
  }

  element("who").addEventListener("submit", (event) => {
    event.preventDefault();
    const [rater, experience] = ["rater", "experience"].map((id) => element(id).value.trim());
    if (!rater || !experience) return;
    Object.assign(kept, { rater, experience });
    openCase(0);
  });
  element("resume-go").addEventListener("click", () => openCase(kept.place));
  element("resume-clear").addEventListener("click", () => {
    element("clear-check").hidden = false;
    element("clear-no").focus();
  });
  element("clear-no").addEventListener("click", openStart);
  element("clear-yes").addEventListener("click", () => {
    kept = nothingYet();
    keep();
    openStart();
    element("rater").focus();
  });

  if (slider) slider.addEventListener("input", () => showSlice(Number(slider.value) - 1));
  if (outline) {
    outline.addEventListener("change", () => element("picture").classList.toggle("bare", !outline.checked));
  }
  for (const radio of radios) radio.addEventListener("change", () => giveScore(Number(radio.value)));
  element("comment").addEventListener("input", () => {
    answerTo(current().id).comment = element("comment").value;
    keep();
  });
  element("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    goOn();
  });
  element("back").addEventListener("click", () => (kept.place === 0 ? openStart() : openCase(kept.place - 1)));
  element("end-back").addEventListener("click", () => openCase(form.cases.length - 1));
  element("download").addEventListener("click", download);
  element("picture").addEventListener("wheel", onWheel, { passive: false });
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => (document.hidden ? stopClock() : startClock()));
  window.addEventListener("pagehide", stopClock);

  keep();
  openStart();
})();
