// The scope: a webview that draws, fed from the control socket or from a log.

import * as vscode from "vscode";
import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { Connection } from "../control/connection.ts";
import type { Place } from "../control/host.ts";
import { merge } from "../control/merge.ts";
import type { Monitor } from "../control/monitor.ts";
import type { View } from "../control/view.ts";
import { chooseLog } from "../commands/cell.ts";
import type { Line } from "../commands/runtime.ts";
import type { Program } from "../program.ts";
import { parseExport } from "./csv.ts";
import { firstShown, liveSignals } from "./live.ts";
import type { ToHost, ToView } from "./messages.ts";

/** As often as the runtime tells. */
const RATE_HZ = 50;

/** Rows of a log in one message. */
const ROWS = 20_000;

export class Scopes implements vscode.CustomReadonlyEditorProvider {
  readonly #extension: vscode.Uri;
  readonly #program: Program;
  readonly #monitor: Monitor;
  #live: { readonly panel: vscode.WebviewPanel; readonly tell: (message: ToView) => void } | undefined;

  constructor(extension: vscode.Uri, program: Program, monitor: Monitor) {
    this.#extension = extension;
    this.#program = program;
    this.#monitor = monitor;
  }

  register(): vscode.Disposable {
    const retained = { webviewOptions: { retainContextWhenHidden: true } };
    return vscode.Disposable.from(
      vscode.window.registerCustomEditorProvider("sensai.scope", this, retained),
      vscode.commands.registerCommand("sensai.openScope", () => this.#openLive()),
      vscode.commands.registerCommand("sensai.showInScope", async (line: Line | undefined) => {
        await this.#openLive();
        if (line?.name !== undefined) this.#live?.tell({ kind: "show", name: line.name });
      }),
      vscode.commands.registerCommand("sensai.openLog", async (resource: unknown) => {
        const log = await chooseLog(resource);
        if (log !== undefined) await vscode.commands.executeCommand("vscode.openWith", log, "sensai.scope");
      }),
    );
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  /** The page is loaded only when this has returned. */
  resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    void this.#openLog(document.uri.fsPath, panel);
  }

  async #openLog(log: string, panel: vscode.WebviewPanel): Promise<void> {
    const tell = await this.#page(panel, path.basename(log, ".snlog"));
    try {
      await this.#readLog(log, tell);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      tell({ kind: "signals", source: path.basename(log), live: false, signals: [], shown: [], capacity: 2 });
      tell({ kind: "ended", reason });
    }
  }

  async #openLive(): Promise<void> {
    if (this.#live !== undefined) {
      this.#live.panel.reveal();
      return;
    }
    const attached = this.#monitor.now;
    if (attached === undefined) {
      void vscode.window.showInformationMessage("Sensai: no cell runs; open a log (.snlog) to look at one");
      return;
    }
    const { cell } = attached.hello;
    const options = { enableScripts: true, retainContextWhenHidden: true };
    const panel = vscode.window.createWebviewPanel("sensai.scope.live", `Scope: ${cell}`, vscode.ViewColumn.Active, options);
    const icon = (of: string) => vscode.Uri.joinPath(this.#extension, "media", `log-${of}.svg`);
    panel.iconPath = { light: icon("light"), dark: icon("dark") };
    const tell = await this.#page(panel, cell);
    this.#live = { panel, tell };
    const feed = await this.#feed(attached.place, tell);
    panel.onDidDispose(() => {
      this.#live = undefined;
      feed.close();
    });
  }

  /** A connection of its own, at its own rate. */
  async #feed(at: Place, tell: (message: ToView) => void): Promise<Connection> {
    const description = this.#monitor.now?.description ?? { cell: "" };
    const signals = liveSignals(description);
    tell({ kind: "signals", source: description.cell, live: true, signals: plain(signals), shown: firstShown(signals), capacity: capacity() });
    let view: View = {};
    const connection = await Connection.open(at, {
      patched: (patch) => {
        view = merge(view, patch) as View;
        const values = signals.map((signal) => signal.read(view));
        tell({ kind: "samples", times: [(view.time_ns ?? 0) / 1e9], values: [values] });
      },
      closed: (reason) => tell({ kind: "ended", reason }),
    });
    await connection.subscribe({ sections: ["tags", "axes"], hz: RATE_HZ });
    return connection;
  }

  /** The end of a log, as far as the scope keeps samples. */
  async #readLog(log: string, tell: (message: ToView) => void): Promise<void> {
    const most = capacity();
    const info = await this.#sensai(["log", "info", log, "--json"]);
    const last = (JSON.parse(info) as { cycles?: readonly [number, number] }).cycles?.[1] ?? 0;
    const from = Math.max(0, last - most + 1);
    const table = parseExport(await this.#sensai(["log", "export", log, "--csv", "-", "--from", String(from)]));
    const { signals, times, values } = table;
    const source = from > 1 ? `${path.basename(log)}, from cycle ${from}` : path.basename(log);
    tell({ kind: "signals", source, live: false, signals, shown: firstShown(signals), capacity: most });
    for (let begin = 0; begin < times.length; begin += ROWS) {
      const part = times.slice(begin, begin + ROWS);
      const rows = Array.from(part, (_, row) => values.map((of) => of[begin + row] ?? NaN));
      tell({ kind: "samples", times: [...part], values: rows });
    }
  }

  async #sensai(words: readonly string[]): Promise<string> {
    const ended = await this.#program.run(words);
    if (ended.code !== 0) throw new Error(ended.stderr.trim());
    return ended.stdout;
  }

  /** Fill a panel with the page, once it has said that it is ready. */
  #page(panel: vscode.WebviewPanel, name: string): Promise<(message: ToView) => void> {
    const { webview } = panel;
    const at = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(this.#extension, ...parts)).toString();
    const nonce = randomBytes(16).toString("hex");
    webview.options = { enableScripts: true, localResourceRoots: [this.#extension] };
    return new Promise((resolve) => {
      webview.onDidReceiveMessage((message: ToHost) => {
        if (message.kind === "ready") resolve((told) => void webview.postMessage(told));
        else void save(message, name);
      });
      webview.html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource} 'unsafe-inline'; script-src 'nonce-${nonce}'">
<link rel="stylesheet" href="${at("media", "scope.css")}">
</head>
<body><script nonce="${nonce}" src="${at("dist", "scope.js")}"></script></body>
</html>`;
    });
  }
}

function capacity(): number {
  return vscode.workspace.getConfiguration("sensai").get<number>("scope.samples", 200_000);
}

/** Without functions, which no message can carry. */
function plain(signals: readonly { name: string; unit: string; kind: "bool" | "number" }[]): { name: string; unit: string; kind: "bool" | "number" }[] {
  return signals.map(({ name, unit, kind }) => ({ name, unit, kind }));
}

async function save({ extension, data }: Extract<ToHost, { kind: "save" }>, name: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const filters = extension === "csv" ? { Table: ["csv"] } : { Picture: ["png"] };
  const file = `${name}.${extension}`;
  const defaultUri = folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, file) };
  const chosen = await vscode.window.showSaveDialog({ filters, ...defaultUri });
  if (chosen === undefined) return;
  await vscode.workspace.fs.writeFile(chosen, Buffer.from(data, extension === "csv" ? "utf8" : "base64"));
}
