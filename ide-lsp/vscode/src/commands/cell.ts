// Commands about a cell and its logs: what `sensai` does, asked for from a menu.

import * as vscode from "vscode";
import { networkInterfaces } from "node:os";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import * as path from "node:path";
import { cellOf, chooseCell } from "../cells.ts";
import type { Monitor } from "../control/monitor.ts";
import type { Tasks } from "../tasks.ts";

export function registerCellCommands(tasks: Tasks, monitor: Monitor): vscode.Disposable {
  const inCell = (command: string, args: () => readonly string[] = () => []) => async (resource: unknown) => {
    const cell = await chooseCell(resource);
    if (cell !== undefined) await tasks.start(command, args(), cell);
  };
  const commands: Readonly<Record<string, (resource: unknown) => unknown>> = {
    check: inCell("check"),
    test: inCell("test"),
    run: inCell("run", () => ["--interface", "sim", ...socket()]),
    runRecorded: (resource) => runRecorded(tasks, resource),
    runOnInterface: (resource) => runOnInterface(tasks, resource),
    stopRun: () => tasks.stopRuns(),
    reload: (resource) => reload(tasks, monitor, resource),
    doctor: inCell("doctor", () => ["."]),
    scan: () => scan(tasks),
    replay: (resource) => replay(tasks, resource),
    keepAsTest,
  };
  const registered = Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`sensai.${name}`, run));
  return vscode.Disposable.from(...registered);
}

/** Where the setting wants the control socket. */
function socket(): string[] {
  const at = vscode.workspace.getConfiguration("sensai").get<string>("controlSocket", "").trim();
  return at === "" ? [] : ["--control", at];
}

async function runRecorded(tasks: Tasks, resource: unknown): Promise<void> {
  const cell = await chooseCell(resource);
  if (cell === undefined) return;
  const folder = path.join(cell, "logs");
  await mkdir(folder, { recursive: true });
  const time = new Date().toISOString().replace(/\.\d+Z$/, "").replace(/[-:]/g, "").replace("T", "-");
  await tasks.start("run", ["--interface", "sim", ...socket(), "--log", path.join(folder, `${time}.snlog`)], cell);
}

async function runOnInterface(tasks: Tasks, resource: unknown): Promise<void> {
  const cell = await chooseCell(resource);
  if (cell === undefined) return;
  const name = await chooseInterface("Interface of the segment");
  if (name === undefined) return;
  const run = "Run";
  const detail = "The outputs of real devices follow the programs. The cell comes up in Stop and waits for its start edge.";
  const chosen = await vscode.window.showWarningMessage(`Run ${path.basename(cell)} on ${name}?`, { modal: true, detail }, run);
  if (chosen === run) await tasks.start("run", ["--interface", name, ...socket()], cell);
}

async function scan(tasks: Tasks): Promise<void> {
  const name = await chooseInterface("Interface to scan");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "/";
  if (name !== undefined) await tasks.start("scan", [name], folder);
}

async function chooseInterface(title: string): Promise<string | undefined> {
  // Links of a segment often have no address, and then the system lists them only here.
  const links = await readdir("/sys/class/net").catch(() => Object.keys(networkInterfaces()));
  const names = links.filter((name) => name !== "lo");
  if (names.length > 0) return vscode.window.showQuickPick(names, { title });
  return vscode.window.showInputBox({ title, placeHolder: "enp3s0" });
}

async function reload(tasks: Tasks, monitor: Monitor, resource: unknown): Promise<void> {
  const cell = await chooseCell(resource);
  if (cell === undefined) return;
  const at = monitor.now?.path;
  await tasks.start("reload", ["--wait", ...(at === undefined ? [] : ["--socket", at])], cell);
}

async function replay(tasks: Tasks, resource: unknown): Promise<void> {
  const log = await chooseLog(resource);
  if (log === undefined) return;
  await tasks.start("replay", [log.fsPath], cellOf(log) ?? path.dirname(log.fsPath));
}

async function keepAsTest(resource: unknown): Promise<void> {
  const log = await chooseLog(resource);
  if (log === undefined) return;
  const cell = cellOf(log) ?? (await chooseCell());
  if (cell === undefined) return;
  const name = await vscode.window.showInputBox({
    title: "Name of the replay test",
    value: path.basename(log.fsPath, ".snlog"),
    validateInput: (text) => (/^[\w.-]+$/.test(text) ? undefined : "letters, digits, `_`, `-` and `.`"),
  });
  if (name === undefined) return;
  const folder = path.join(cell, "tests");
  await mkdir(folder, { recursive: true });
  await copyFile(log.fsPath, path.join(folder, `${name}.snlog`));
}

/** The log that a menu was opened on, or one that is chosen. */
export async function chooseLog(resource: unknown): Promise<vscode.Uri | undefined> {
  if (resource instanceof vscode.Uri) return resource;
  const found = await vscode.workspace.findFiles("**/*.snlog", "**/{target,node_modules}/**");
  if (found.length > 0) {
    const items = found.map((log) => ({ label: path.basename(log.fsPath), description: vscode.workspace.asRelativePath(log), log }));
    return (await vscode.window.showQuickPick(items, { title: "Which log?" }))?.log;
  }
  const opened = await vscode.window.showOpenDialog({ title: "Cycle log", filters: { "Cycle logs": ["snlog"] } });
  return opened?.[0];
}
