// A new cell, from one of the examples that `sensai new` brings.

import * as vscode from "vscode";
import * as path from "node:path";
import type { Program } from "../program.ts";

// The walkthrough takes the focus back when it sees that one of its steps is done; the questions stay all the same.

const TEMPLATES = [
  { label: "Pneumatic press", detail: "A cylinder, a force sensor, one program: the smallest cell that does something", from: "pneumatic-press" },
  { label: "Servo press", detail: "A servo axis, PackML, two tasks, a digital twin and a model that judges every part", from: "press-cell" },
];

/** Where the walkthrough goes on once a window has opened this folder. */
const GOES_ON = "sensai.walkthroughGoesOnIn";

const WALKTHROUGH = "sensai.sensai#start";

/** `from` is `walkthrough` if it is done from there. */
export async function newCell(program: Program, context: vscode.ExtensionContext, from: unknown): Promise<void> {
  if ((await program.ask()) === undefined) return;
  const template = await vscode.window.showQuickPick(TEMPLATES, { title: "New cell: what to begin with", ignoreFocusOut: true });
  if (template === undefined) return;
  const name = await vscode.window.showInputBox({
    title: "New cell: its name",
    ignoreFocusOut: true,
    value: "my-cell",
    validateInput: (text) => (/^[A-Za-z][\w-]*$/.test(text) ? undefined : "a letter, then letters, digits, `_` and `-`"),
  });
  if (name === undefined) return;
  const parent = vscode.workspace.workspaceFolders?.[0]?.uri ?? (await chooseFolder());
  if (parent === undefined) return;
  const folder = path.join(parent.fsPath, name);
  const ended = await program.run(["new", folder, "--from", template.from]);
  if (ended.code !== 0) {
    void vscode.window.showErrorMessage(`Sensai: ${ended.stderr.trim()}`);
    return;
  }
  if (vscode.workspace.workspaceFolders === undefined) {
    // The window begins anew, and with it this extension.
    await context.globalState.update(GOES_ON, from === "walkthrough" ? folder : undefined);
    await vscode.commands.executeCommand("vscode.openFolder", vscode.Uri.file(folder));
  } else {
    await vscode.window.showTextDocument(firstProgram(folder));
  }
}

/** What was begun in the window before. */
export async function goOn(context: vscode.ExtensionContext): Promise<void> {
  const folder = context.globalState.get<string>(GOES_ON);
  if (folder === undefined || vscode.workspace.workspaceFolders?.[0]?.uri.fsPath !== folder) return;
  await context.globalState.update(GOES_ON, undefined);
  await vscode.window.showTextDocument(firstProgram(folder), { preview: false });
  const next = { category: WALKTHROUGH, step: "change" };
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", next, false);
}

function firstProgram(cell: string): vscode.Uri {
  return vscode.Uri.file(path.join(cell, "programs", "press.rhai"));
}

async function chooseFolder(): Promise<vscode.Uri | undefined> {
  const opened = await vscode.window.showOpenDialog({
    title: "New cell: in which folder",
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return opened?.[0];
}
