// What a person does in a window of VS Code.

import { eventually, PATIENCE_S } from "./place.mjs";

export class Workbench {
  constructor(page) {
    this.page = page;
  }

  /** A command by its title in the palette, which closes when something else takes the focus. */
  async command(title) {
    const { page } = this;
    const input = page.locator(".quick-input-widget input.input").first();
    const row = page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    await eventually(`the command ${title} is given`, async () => {
      if (!(await input.isVisible())) await page.keyboard.press("F1");
      await input.fill(`>${title}`, { timeout: 5000 });
      await row.click({ timeout: 10_000 });
      return true;
    });
  }

  /** A view by its icon at the side. */
  async view(name) {
    // Its badge lies over its label, so that the click is for what holds both.
    const label = this.page.locator(`a.action-label[aria-label^="${name}"]`);
    await this.page.locator(".activitybar .action-item", { has: label }).first().click();
  }

  /** A tab of the editors. */
  async tab(title) {
    await this.page.locator(".tabs-container .tab", { hasText: title }).first().click();
    await this.page.locator(".tabs-container .tab.active", { hasText: title }).waitFor();
  }

  /** Unfold a line of a tree. */
  async open(selector, text) {
    const row = this.page.locator(`${selector} .monaco-list-row`, { hasText: text }).first();
    await row.click();
    await eventually(`${text} is unfolded`, async () => (await row.getAttribute("aria-expanded")) === "true");
  }

  /** Unfold a tree, level by level. */
  async unfold(selector) {
    const folded = this.page.locator(`${selector} .monaco-tl-twistie.collapsible.collapsed`);
    await eventually(`${selector} is unfolded`, async () => {
      if ((await folded.count()) === 0) return true;
      await folded.first().click();
      return false;
    });
  }

  /** Choose in the list that is open. */
  async choose(text) {
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first();
    await row.waitFor({ state: "visible" });
    await row.click();
  }

  /** Answer the question that is open. */
  async answer(text) {
    const input = this.page.locator(".quick-input-widget input.input").first();
    await input.waitFor({ state: "visible" });
    await input.fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** The dialog of VS Code in a browser that asks where to save. It fills itself, and takes what was written before for a part of it. */
  async saveAs(file) {
    const input = this.page.locator(".quick-input-widget input.input").first();
    await input.waitFor({ state: "visible" });
    await eventually("the dialog proposes a file", async () => (await input.inputValue()) !== "");
    await eventually(`the dialog has ${file}`, async () => {
      if ((await input.inputValue()) !== file) await input.fill(file);
      await this.page.waitForTimeout(1000);
      return (await input.inputValue()) === file;
    });
    await this.page.keyboard.press("Enter");
  }

  /** The dialog for folders of VS Code in a browser. It fills itself, and then has this folder. */
  async chooseFolder(title, folder) {
    const dialog = this.page.locator(".quick-input-widget", { hasText: title });
    await dialog.locator(".monaco-list-row").first().waitFor();
    const input = dialog.locator("input.input").first();
    await eventually(`the dialog is at ${folder}`, async () => {
      if ((await input.inputValue()) !== `${folder}/`) await input.fill(`${folder}/`);
      await this.page.waitForTimeout(1000);
      return (await input.inputValue()) === `${folder}/`;
    });
    await dialog.locator(".monaco-button", { hasText: "OK" }).first().click();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+p");
    const input = this.page.locator(".quick-input-widget input.input").first();
    await input.waitFor({ state: "visible" });
    await input.fill(name);
    await this.choose(name.split("/").pop());
    await this.page.locator(".tab.active", { hasText: name.split("/").pop() }).waitFor();
  }

  /** The editor has a text, and the language server has looked at it. */
  async ready() {
    await this.page.waitForSelector(".monaco-editor .view-line");
    // Its code lenses come from the server alone.
    await this.page.waitForSelector(".codelens-decoration");
  }

  async goTo(line, column = 1) {
    await this.page.keyboard.press("Control+g");
    await this.answer(`:${line}:${column}`);
    await this.status(new RegExp(`Ln ${line}, Col ${column}\\b`)).waitFor();
  }

  /** A word in the editor. */
  word(text) {
    const exact = new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
    return this.page.locator(".editor-instance .view-line span > span", { hasText: exact }).first();
  }

  /** What the hover over a word says. */
  async hover(locator) {
    await locator.hover();
    const hover = this.page.locator(".monaco-hover:not(.hidden) .hover-contents").first();
    await hover.waitFor({ state: "visible" });
    return eventually("the hover has a text", async () => {
      const text = (await hover.innerText()).trim();
      return text.startsWith("Loading") ? "" : text;
    });
  }

  /** The page inside of the webview that is seen. */
  webview() {
    return this.page.frameLocator("iframe.webview:visible").frameLocator("iframe");
  }

  /** What an editor draws, in which no-break spaces stand for spaces. */
  async text() {
    const lines = this.page.locator(".editor-instance .view-lines").first();
    return (await lines.innerText()).replaceAll("\u00a0", " ");
  }

  /** A button of the debugger's toolbar. */
  async debug(name) {
    await this.page.locator(`.debug-toolbar a.action-label[aria-label^="${name}"]`).first().click();
  }

  /** Nothing that covers what a picture is of: no panel below, no messages, no tooltip, no marked words. */
  async tidy() {
    const { page } = this;
    await this.command("Notifications: Clear All Notifications");
    if (await page.locator(".part.panel").first().isVisible()) await this.command("View: Hide Panel");
    await page.mouse.move(700, 15);
    await page.locator(".monaco-hover:visible, .workbench-hover-container:visible, .quick-input-widget:visible").first().waitFor({ state: "detached" });
    // What goes fades.
    await page.waitForTimeout(500);
  }

  status(text) {
    return this.page.locator(".statusbar-item", { hasText: text }).first();
  }

  /** What a list shows, line by line. */
  rows(selector) {
    return this.page.locator(`${selector} .monaco-list-row`).evaluateAll((rows) => rows.map((row) => row.getAttribute("aria-label") ?? row.textContent));
  }

  /** Wait for a line of a list. */
  async row(selector, wanted, seconds = PATIENCE_S) {
    let seen = [];
    const found = await eventually(
      `${wanted} in ${selector}`,
      async () => {
        seen = await this.rows(selector);
        return seen.find((row) => wanted.test(row));
      },
      seconds,
    ).catch((error) => {
      throw new Error(`${error.message}; there is:\n${seen.join("\n")}`);
    });
    return found;
  }
}
