// Commands about a cell and its logs: what `sensai` does, asked for from a menu.

import * as vscode from "vscode";
import { homedir, networkInterfaces } from "node:os";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { constants } from "node:fs";
import * as path from "node:path";
import { cellOf, chooseCell, findCells } from "../cells.ts";
import type { Monitor } from "../control/monitor.ts";
import type { Tasks } from "../tasks.ts";
import type { Line } from "./runtime.ts";

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
    doctor: (resource) => doctor(tasks, resource),
    scan: () => scan(tasks),
    replay: (resource) => replay(tasks, resource),
    keepAsTest,
  };
  const registered = Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`sensai.${name}`, run));
  return vscode.Disposable.from(...registered);
}

/** Of a cell if there is one: what is wanted of the computer depends on it. */
async function doctor(tasks: Tasks, resource: unknown): Promise<void> {
  if ((await findCells()).length === 0) {
    await tasks.start("doctor", [], homedir());
    return;
  }
  const cell = await chooseCell(resource);
  if (cell !== undefined) await tasks.start("doctor", ["."], cell);
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

/** Of one program if it is asked for on its line of the panel. */
async function reload(tasks: Tasks, monitor: Monitor, resource: unknown): Promise<void> {
  const at = monitor.now?.place;
  if (at === undefined) {
    void vscode.window.showInformationMessage("Sensai: no cell runs whose programs could be reloaded");
    return;
  }
  const cell = await chooseCell(resource);
  if (cell === undefined) return;
  const program = (resource as Line | undefined)?.name;
  const only = typeof program === "string" ? ["--program", program] : [];
  const there = typeof at === "string" ? ["--socket", at] : ["--host", at.name];
  await tasks.start("reload", ["--wait", ...there, ...only], cell);
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
    ignoreFocusOut: true,
    value: path.basename(log.fsPath, ".snlog"),
    validateInput: (text) => (/^[\w.-]+$/.test(text) ? undefined : "letters, digits, `_`, `-` and `.`"),
  });
  if (name === undefined) return;
  const folder = path.join(cell, "tests");
  await mkdir(folder, { recursive: true });
  const kept = path.join(folder, `${name}.snlog`);
  try {
    await copyFile(log.fsPath, kept, constants.COPYFILE_EXCL);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "EEXIST" ? "there is one of that name already" : String(error);
    void vscode.window.showErrorMessage(`Sensai: ${name}.snlog is not kept: ${why}`);
    return;
  }
  const show = "Show It";
  const text = `Sensai: ${vscode.workspace.asRelativePath(kept)} is a replay test now`;
  if ((await vscode.window.showInformationMessage(text, show)) === show) {
    await vscode.commands.executeCommand("workbench.view.testing.focus");
  }
}

/** The log that a menu was opened on, the one that is looked at, or one that is chosen, the newest first. */
export async function chooseLog(resource: unknown): Promise<vscode.Uri | undefined> {
  if (resource instanceof vscode.Uri) return resource;
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (tab instanceof vscode.TabInputCustom && tab.uri.path.endsWith(".snlog")) return tab.uri;
  const found = await vscode.workspace.findFiles("**/*.snlog", "**/{target,node_modules}/**");
  if (found.length === 0) return noLog();
  const written = async (log: vscode.Uri) => (await stat(log.fsPath).catch(() => undefined))?.mtimeMs ?? 0;
  const logs = await Promise.all(found.map(async (log) => ({ log, time: await written(log) })));
  logs.sort((a, b) => b.time - a.time);
  const items = logs.map(({ log, time }) => ({
    label: path.basename(log.fsPath),
    description: vscode.workspace.asRelativePath(log),
    detail: new Date(time).toLocaleString(),
    log,
  }));
  return (await vscode.window.showQuickPick(items, { title: "Which log?", matchOnDescription: true, ignoreFocusOut: true }))?.log;
}

async function noLog(): Promise<vscode.Uri | undefined> {
  const [record, open] = ["Run and Record", "Open…"];
  const chosen = await vscode.window.showInformationMessage("Sensai: there is no log in this workspace", record, open);
  if (chosen === record) await vscode.commands.executeCommand("sensai.runRecorded");
  if (chosen !== open) return undefined;
  const opened = await vscode.window.showOpenDialog({ title: "Cycle log", filters: { "Cycle logs": ["snlog"] } });
  return opened?.[0];
}
