// A VS Code of its own: code-server with the extension installed from its file, a browser before it, and folders that
// nothing else uses. All of it ends with the tests.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const needed = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: \`cargo xtask editors\` sets it`);
  return resolve(value);
};

/** The program under test. */
export const SENSAI = needed("SENSAI_BIN");
/** Where npm has put code-server and playwright-core. */
const TOOLS = needed("SENSAI_EDITOR_TOOLS");
const VSIX = needed("SENSAI_VSIX");
/** Where pictures go. */
const PICTURES = needed("SENSAI_PICTURES");
const REPOSITORY = resolve(import.meta.dirname, "../../..");

const { chromium } = createRequire(join(TOOLS, "package.json"))("playwright-core");

/** A machine that is busy with other things takes its time; whoever waits for a failure wants less. */
export const PATIENCE_S = Number(process.env.SENSAI_PATIENCE_S ?? 240);

/** Nothing that moves, asks, or looks for something on the network. */
const SETTINGS = {
  "chat.agent.enabled": false,
  "chat.disableAIFeatures": true,
  "editor.minimap.enabled": false,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": "off",
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "afterDelay",
  "files.autoSaveDelay": 300,
  "git.enabled": false,
  "npm.fetchOnlinePackageInfo": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "testing.automaticallyOpenTestResults": "neverOpen",
  "update.mode": "none",
  "window.commandCenter": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.settings.enableNaturalLanguageSearch": false,
  "workbench.startupEditor": "none",
};

const BROWSER = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

export class Place {
  #root = mkdtempSync(join(tmpdir(), "sensai-vscode-"));
  #ended = [];
  #runs = [];
  #browser;

  /** Environment of everything that runs here: sockets of cells and settings are not those of the user. */
  environment = {
    ...process.env,
    HOME: this.#root,
    XDG_CONFIG_HOME: join(this.#root, "config"),
    XDG_DATA_HOME: join(this.#root, "data"),
    XDG_RUNTIME_DIR: join(this.#root, "run"),
    EXTENSIONS_GALLERY: '{"serviceUrl":"http://127.0.0.1:9/none","itemUrl":"http://127.0.0.1:9/none"}',
  };

  static async open() {
    const place = new Place();
    try {
      await place.#start();
    } catch (error) {
      await place.close();
      throw error;
    }
    return place;
  }

  async #start() {
    const data = join(this.#root, "server");
    mkdirSync(join(data, "User"), { recursive: true });
    mkdirSync(this.environment.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 });
    mkdirSync(PICTURES, { recursive: true });
    writeFileSync(join(data, "User/settings.json"), JSON.stringify(SETTINGS));
    mkdirSync(join(data, "Machine"));
    writeFileSync(join(data, "Machine/settings.json"), JSON.stringify({ "sensai.path": SENSAI }));
    const entry = join(TOOLS, "node_modules/code-server/out/node/entry.js");
    const folders = ["--user-data-dir", data, "--extensions-dir", join(this.#root, "extensions")];
    const install = spawnSync(process.execPath, [entry, ...folders, "--install-extension", VSIX], { env: this.environment, encoding: "utf8" });
    if (install.status !== 0) throw new Error(`the extension cannot be installed:\n${install.stdout}${install.stderr}`);

    this.port = await freePort();
    const words = ["--auth", "none", "--bind-addr", `127.0.0.1:${this.port}`, "--disable-telemetry", "--disable-update-check"];
    words.push("--disable-workspace-trust", "--disable-getting-started-override");
    this.#spawn(process.execPath, [entry, ...words, ...folders], join(PICTURES, "code-server.log"));
    await eventually("code-server listens", () => fetch(`http://127.0.0.1:${this.port}/healthz`).then(({ ok }) => ok));

    this.#browser = await chromium.launchPersistentContext(join(this.#root, "browser"), {
      executablePath: process.env.SENSAI_CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      viewport: { width: 1400, height: 850 },
      args: BROWSER,
      env: this.environment,
    });
  }

  /** A process with a group of its own, which ends with the place; its output goes to a file. */
  #spawn(program, words, log) {
    const output = openSync(log, "w");
    const child = spawn(program, words, { env: this.environment, detached: true, stdio: ["ignore", output, output] });
    child.on("error", (error) => console.error(`${program}: ${error.message}`));
    this.#ended.push(child);
    return child;
  }

  /** Run `sensai` to its end. */
  sensai(words, cwd = this.#root) {
    const ended = spawnSync(SENSAI, words, { cwd, env: this.environment, encoding: "utf8" });
    return { code: ended.status, output: `${ended.stdout}${ended.stderr}` };
  }

  /** Run a cell until the test ends. */
  run(cell, words = []) {
    const child = this.#spawn(SENSAI, ["run", cell, "--quiet", ...words], join(PICTURES, "run.log"));
    this.#runs.push(child);
    return () => child.kill("SIGINT");
  }

  /** A test is over: what it ran is, too. */
  endRuns() {
    for (const child of this.#runs.splice(0)) child.kill("SIGINT");
  }

  /** A copy of an example. */
  copy(example, name = example) {
    const cell = join(this.#root, "cells", name);
    cpSync(join(REPOSITORY, "examples", example), cell, { recursive: true });
    return cell;
  }

  /** An empty folder. */
  empty(name) {
    const folder = join(this.#root, "cells", name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A window with this folder and, if it is said, this file; without a folder, an empty one. */
  async window(folder, file) {
    for (const page of this.#browser.pages().slice(1)) await page.close();
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(PATIENCE_S * 1000);
    const authority = `vscode-remote://127.0.0.1:${this.port}`;
    const open = file === undefined ? [] : [["openFile", `${authority}${join(folder, file)}`]];
    const payload = encodeURIComponent(JSON.stringify(open));
    const what = folder === undefined ? "ew=true" : `folder=${folder}&payload=${payload}`;
    await page.goto(`http://127.0.0.1:${this.port}/?${what}`, { waitUntil: "commit" });
    await page.waitForSelector(".monaco-workbench");
    return page;
  }

  picture(page, name) {
    return page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }

  /** The window in which something went wrong. */
  async pictureOfFailure(name) {
    const page = this.#browser?.pages().at(-1);
    if (page !== undefined) await this.picture(page, `failed-${name.replace(/\W+/g, "-")}`).catch(() => undefined);
  }

  async close() {
    await this.#browser?.close();
    for (const child of this.#ended) endGroup(child, "SIGTERM");
    await new Promise((done) => setTimeout(done, 500));
    for (const child of this.#ended) endGroup(child, "SIGKILL");
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function endGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Ask again until the answer is true. What is asked may fail on the way. */
export async function eventually(what, ask, seconds = PATIENCE_S) {
  const until = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < until) {
    last = undefined;
    const answer = await Promise.resolve().then(ask).catch((error) => void (last = error));
    if (answer) return answer;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what}: not within ${seconds} s${last === undefined ? "" : `: ${last.message}`}`);
}
