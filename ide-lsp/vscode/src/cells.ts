// Cells of the workspace: a cell is a folder with a `cell.toml`.

import * as vscode from "vscode";
import { existsSync } from "node:fs";
import * as path from "node:path";

export const CELL_FILE = "cell.toml";

/** Folders of cells, the nearest to the top first. */
export async function findCells(): Promise<string[]> {
  const found = await vscode.workspace.findFiles(`**/${CELL_FILE}`, "**/{target,node_modules}/**");
  const folders = found.map((file) => path.dirname(file.fsPath));
  return folders.sort((a, b) => a.length - b.length || a.localeCompare(b));
}

/** The cell that a file belongs to. */
export function cellOf(file: vscode.Uri): string | undefined {
  if (file.scheme !== "file") return undefined;
  for (let folder = path.dirname(file.fsPath); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, CELL_FILE))) return folder;
    if (folder === path.dirname(folder)) return undefined;
  }
}

/** As people call it: relative to the workspace. */
export function cellName(cell: string): string {
  const relative = vscode.workspace.asRelativePath(cell);
  return relative === cell || relative === "" ? path.basename(cell) : relative;
}

/** The cell that is meant: of the file that a menu was opened on, of the editor, the only one, or the one that is chosen. */
export async function chooseCell(resource?: unknown): Promise<string | undefined> {
  const file = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
  const near = file === undefined ? undefined : cellOf(file);
  if (near !== undefined) return near;
  const cells = await findCells();
  if (cells.length === 0) {
    const make = "New Cell";
    const chosen = await vscode.window.showWarningMessage(`Sensai: there is no ${CELL_FILE} in this workspace`, make);
    if (chosen === make) await vscode.commands.executeCommand("sensai.newCell");
    return undefined;
  }
  if (cells.length === 1) return cells[0];
  const items = cells.map((cell) => ({ label: path.basename(cell), description: cellName(cell), cell }));
  return (await vscode.window.showQuickPick(items, { title: "Which cell?" }))?.cell;
}
