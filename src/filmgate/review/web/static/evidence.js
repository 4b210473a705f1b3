// What the machine says of a take: verdict, findings, values. Nothing that a person said is here,
// but for a finding that somebody disagrees with, and that says so.

import { colour, fill, h, mark, number, one, s } from "./dom.js";

const DRIFT = ["drift", "change_missing"];
const STATUS = {
  drift: "drift", change_missing: "declared change is missing", declared_change: "declared change",
  within: "within tolerance", not_measured: "not measured",
};
const FULL_BAR = 5; // tolerances, as in the report

/** The machine's panel. `on.select(finding)`, `on.disagree(finding)`, `on.reason(finding)`. */
export class Evidence {
  constructor(on) {
    this.on = on;
    this.list = one("findings");
    this.findings = [];
    this.selected = null;
  }

  /** Show what the machine said; `chosen` and `disagrees` are sets of attribute paths. */
  show(machine, recipe, cost) {
    this.findings = machine.findings || [];
    this.selected = this.findings.find((f) => DRIFT.includes(f.status)) || this.findings[0] || null;
    this.#verdict(machine);
    this.#recipe(recipe, cost, machine.verdict);
  }

  /** Draw the findings anew. */
  paint(chosen, disagrees) {
    const focused = document.activeElement?.closest?.(".finding")?.dataset.number;
    fill(this.list, this.findings.map((finding) => this.#finding(finding, chosen, disagrees)));
    if (!this.findings.length) {
      fill(this.list, h("li", { class: "dim small none" }, "No finding to show."));
    }
    if (focused) this.list.querySelector(`[data-number="${focused}"] .pick`)?.focus();
  }

  /** Select the finding before or after. */
  move(by) {
    if (!this.findings.length) return;
    const at = this.findings.indexOf(this.selected);
    const next = Math.min(this.findings.length - 1, Math.max(0, at + by));
    if (next !== at) this.on.select(this.findings[next]);
  }

  /** The finding that a digit names. */
  keyed(digit) {
    return this.findings.find((f) => f.key === String(digit)) || null;
  }

  /** Attribute paths of all that drifts. */
  get drifting() {
    return [...new Set(this.findings.filter((f) => DRIFT.includes(f.status)).map((f) => f.attribute))];
  }

  #verdict(machine) {
    const { verdict } = machine;
    if (!verdict) {
      fill(one("verdict"), mark("other"), machine.withheld ? "word withheld" : "no word");
      const why = machine.withheld
        ? "Judge for yourself: what the machine thinks is told once you have ruled."
        : machine.reason || "Nothing was measured.";
      fill(one("verdict-said"), why);
      return;
    }
    fill(one("verdict"), mark(verdict.word), verdict.word);
    const p = verdict.p_value === null ? "" : ` · p = ${Number(verdict.p_value).toPrecision(2)}`;
    fill(one("verdict-said"), `score ${Number(verdict.score).toFixed(2)}${p} · round ${verdict.round}`);
  }

  #finding(finding, chosen, disagrees) {
    const open = finding === this.selected;
    const drift = DRIFT.includes(finding.status);
    const against = disagrees.has(finding.attribute);
    const told = [finding.text || STATUS[finding.status], finding.against_text && `against ${finding.against_text}`];
    return h("li", {
      class: `finding ${drift ? "over" : finding.status}${open ? " open" : ""}${against ? " denied" : ""}`,
      data: { number: finding.number },
    },
      h("button", { type: "button", class: "pick", "aria-expanded": open,
        on: { click: () => this.on.select(finding) } },
        finding.key ? h("kbd", {}, finding.key) : h("span", { class: "nokey" }),
        h("span", { class: "title" }, finding.title),
        bar(finding.times),
        h("span", { class: "told" }, told.filter(Boolean).join(" ")),
      ),
      open && this.#details(finding, chosen, against),
      finding.disagreed?.length ? h("p", { class: "said-by" }, h("span", { class: "by" },
        [...new Set(finding.disagreed.map((d) => d.reviewer))].join(", ")), " disagreed") : null,
      finding.accepted ? h("p", { class: "small dim" }, "Accepted before as intended.") : null,
    );
  }

  #details(finding, chosen, against) {
    const reasoned = chosen.has(finding.attribute);
    return h("div", { class: "details" },
      swatches(finding),
      finding.reason && h("p", { class: "small" }, finding.reason),
      finding.remedy && h("p", { class: "remedy" }, h("b", {}, "Smallest fix "), finding.remedy),
      h("div", { class: "choices" },
        h("button", { type: "button", "aria-pressed": reasoned, on: { click: () => this.on.reason(finding) } },
          reasoned ? "Is a reason" : "Make it a reason", finding.key && h("kbd", {}, finding.key)),
        h("button", { type: "button", class: "deny", "aria-pressed": against,
          on: { click: () => this.on.disagree(finding) } },
          against ? "You disagree" : "Disagree", finding.key && h("kbd", {}, `⇧${finding.key}`)),
      ),
      h("p", { class: "small dim" }, h("code", {}, finding.attribute), ` · ${STATUS[finding.status] || finding.status}. `,
        finding.p_text || ""),
      finding.cdl && h("details", { "aria-label": "Grade that brings it there" }, h("summary", {}, "The grade that brings it there (CDL)"), cdl(finding.cdl)),
    );
  }

  #recipe(recipe, cost, verdict) {
    const rows = [
      ["Generator", [recipe.generator, recipe.returned_model || recipe.model].filter(Boolean).join(", ")],
      ["Prompt", recipe.prompt], ["Seed", recipe.seed], ["Made from", recipe.parent],
      ["Repair", recipe.repair], ["Calibration", verdict?.calibration], ["Cost", cost && price(cost)],
      ...(recipe.revisions || []).map((r) => [`Asked for by ${r.author || "somebody"}`,
        [r.clause, r.because && `(${r.because})`].filter(Boolean).join(" ")]),
    ];
    fill(one("recipe-list"), rows.filter(([, v]) => v !== null && v !== undefined && v !== "")
      .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
  }
}

function price(cost) {
  const parts = [];
  if (cost.provider_usd) parts.push(`$${cost.provider_usd.toFixed(2)}`);
  parts.push(`${number(cost.machine_s)} s of machines`);
  if (cost.person_s) parts.push(`${number(cost.person_s)} s of people`);
  return parts.join(", ");
}

/** How many tolerances, as a bar: the tick is the tolerance. */
function bar(times) {
  if (typeof times !== "number") return h("span", { class: "bar" });
  const full = Math.min(times, FULL_BAR) / FULL_BAR;
  return s("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "track", width: 100, height: 10 }),
    s("rect", { class: times > 1 ? "much" : "little", width: 100 * full, height: 10 }),
    s("path", { class: "tick", d: `M${100 / FULL_BAR} 0v10` }),
  );
}

/** The two values measured, touching: two colours are compared at their common edge. */
function swatches(finding) {
  const both = [["This take", finding.this], [finding.other?.slate || "Reference", finding.reference]];
  if (!both.some(([, value]) => value)) return null;
  return h("div", { class: "values" }, both.filter(([, value]) => value).map(([who, value]) => {
    const hex = colour(value.hex);
    const patch = h("span", { class: "swatch" });
    if (hex) patch.style.backgroundColor = hex;
    return h("div", { class: "value" },
      hex ? patch : null,
      h("span", { class: "dim" }, who),
      h("b", {}, value.text),
      value.lab ? h("span", { class: "lab" },
        ["L*", "a*", "b*"].map((n, i) => `${n} ${number(value.lab[i])}`).join(" ")) : null,
    );
  }));
}

function cdl(plain) {
  const row = (name, values) => h("tr", {}, h("th", { scope: "row" }, name),
    values.map((v) => h("td", {}, Number(v).toFixed(3))));
  return h("table", { class: "cdl" }, h("tbody", {}, row("slope", plain.slope), row("offset", plain.offset), row("power", plain.power),
      h("tr", {}, h("th", { scope: "row" }, "saturation"), h("td", {}, Number(plain.saturation).toFixed(3)))));
}
