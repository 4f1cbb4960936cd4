(function () {
  "use strict";
  var seconds = Number(document.body.dataset.refresh);
  if (seconds) {
    setInterval(function () {
      if (!document.querySelector("details[open]") && !document.hidden) location.reload();
    }, seconds * 1000);
  }

  var tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true");
  document.body.appendChild(tip);
  document.querySelectorAll(".plot .h, .plot .c").forEach(function (strip) {
    var title = strip.querySelector("title");
    var text = title.textContent;
    title.remove();
    strip.addEventListener("pointerenter", function () {
      tip.textContent = text;
      var at = strip.getBoundingClientRect();
      var middle = at.left + at.width / 2;
      tip.style.display = "block";
      var left = middle + 12 + tip.offsetWidth > innerWidth ? middle - 12 - tip.offsetWidth : middle + 12;
      tip.style.left = Math.max(4, left) + scrollX + "px";
      tip.style.top = at.top + 8 + scrollY + "px";
    });
    strip.addEventListener("pointerleave", function () { tip.style.display = "none"; });
  });

  document.querySelectorAll(".sortable").forEach(function (table) {
    var body = table.tBodies[0];
    Array.from(table.tHead.rows[0].cells).forEach(function (head, at) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = "Sort by " + head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", function () {
        // Numbers first from the largest, names from A.
        var falls = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : at > 0;
        table.querySelectorAll("[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", falls ? "descending" : "ascending");
        var rows = Array.from(body.rows);
        var value = function (row) { return row.cells[at].textContent; };
        rows.sort(function (one, other) {
          var difference = at > 0 ? Number(value(one)) - Number(value(other)) : value(one).localeCompare(value(other));
          return falls ? -difference : difference;
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });

  var still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.querySelectorAll(".film").forEach(function (film) {
    var moments = film.dataset.moments.split("|");
    var before = Number(film.dataset.before);
    var button = film.querySelector("button");
    var slider = film.querySelector("input");
    var output = film.querySelector("output");
    var skies = Array.from(film.querySelectorAll(".sky"));
    var timer = 0, wanted = false, seen = false;
    function show(at) {
      slider.value = at;
      output.textContent = moments[at];
      slider.setAttribute("aria-valuetext", moments[at]);
      skies.forEach(function (sky, panel) {
        var across = skies.length > 1 ? (100 * panel) / (skies.length - 1) : 0;
        sky.style.backgroundPosition = across + "% " + (moments.length > 1 ? (100 * at) / (moments.length - 1) : 0) + "%";
        sky.classList.toggle("waits", panel > 0 && at < before);
      });
    }
    function next() {
      var at = (Number(slider.value) + 1) % moments.length;
      show(at);
      var pause = at === moments.length - 1 ? 2400 : at === before - 1 ? 1000 : at < before ? 160 : 700;
      timer = setTimeout(next, pause);
    }
    function play() {
      clearTimeout(timer);
      timer = 0;
      if (wanted && seen) timer = setTimeout(next, 400);
      button.textContent = wanted ? "Pause" : "Play";
    }
    button.hidden = slider.hidden = false;
    button.addEventListener("click", function () { wanted = !wanted; seen = true; play(); });
    slider.addEventListener("input", function () { wanted = false; play(); show(Number(slider.value)); });
    show(moments.length - 1);
    new IntersectionObserver(function (entries) {
      seen = entries[entries.length - 1].isIntersecting;
      play();
    }).observe(film);
    wanted = !still;
    play();
  });

  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (fold) { fold.open = true; fold.dataset.was = ""; });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-was]").forEach(function (fold) { fold.open = false; delete fold.dataset.was; });
  });
})();
