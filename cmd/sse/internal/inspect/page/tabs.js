// Tabs, with the keys that the ARIA practices describe.

/** Makes the buttons in a tab list show their panels. */
export class Tabs {
  #tabs;
  #onchange;

  constructor(list, onchange = () => {}) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.#onchange = onchange;
    list.addEventListener("click", e => {
      const tab = e.target.closest("[role=tab]");
      if (tab) this.select(tab);
    });
    list.addEventListener("keydown", e => this.#onkeydown(e));
    this.select(this.#tabs[0]);
  }

  get selected() {
    return this.#tabs.find(tab => tab.ariaSelected === "true");
  }

  /** The panel that is visible. */
  get panel() {
    return panelOf(this.selected);
  }

  select(selected) {
    for (const tab of this.#tabs) {
      tab.ariaSelected = String(tab === selected);
      tab.tabIndex = tab === selected ? 0 : -1;
      panelOf(tab).hidden = tab !== selected;
    }
    this.#onchange(panelOf(selected));
  }

  #onkeydown(e) {
    const i = this.#tabs.indexOf(e.target);
    const n = this.#tabs.length;
    const next = {
      ArrowLeft: (i + n - 1) % n,
      ArrowRight: (i + 1) % n,
      Home: 0,
      End: n - 1,
    }[e.key];
    if (i < 0 || next === undefined) return;
    e.preventDefault();
    this.select(this.#tabs[next]);
    this.#tabs[next].focus();
  }
}

const panelOf = tab => document.getElementById(tab.getAttribute("aria-controls"));
