// The debugger: `sensai debug-adapter`, for logs and simulations.

import * as vscode from "vscode";
import { chooseLog } from "./commands/cell.ts";
import { cellOf, chooseCell } from "./cells.ts";
import type { Program } from "./program.ts";

const DEBUG_TYPE = "sensai";

export function registerDebugger(program: Program): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new Adapter(program)),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, new Configurations()),
    vscode.commands.registerCommand("sensai.debugLog", debugLog),
    vscode.commands.registerCommand("sensai.goToCycle", goToCycle),
  );
}

class Adapter implements vscode.DebugAdapterDescriptorFactory {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  async createDebugAdapterDescriptor(): Promise<vscode.DebugAdapterDescriptor> {
    const command = await this.#program.ask();
    if (command === undefined) throw new Error("there is no `sensai` to debug with");
    const asked = await this.#program.run(["debug-adapter", "--help"]);
    if (asked.code !== 0) throw new Error(`${command} has no debug adapter: a newer sensai is needed`);
    return new vscode.DebugAdapterExecutable(command, ["debug-adapter"]);
  }
}

class Configurations implements vscode.DebugConfigurationProvider {
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [{ type: DEBUG_TYPE, request: "launch", name: "Simulate and debug", cell: "${workspaceFolder}" }];
  }

  /** F5 without a configuration simulates the cell of the editor. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (given.type !== "" && given.type !== undefined) return given;
    const cell = await chooseCell();
    if (cell === undefined) return undefined;
    return { type: DEBUG_TYPE, request: "launch", name: "Simulate and debug", cell };
  }
}

/** Debug a recorded log; `cycle` is where to begin. */
export async function debugLog(resource: unknown, cycle?: unknown): Promise<void> {
  const log = await chooseLog(resource);
  if (log === undefined) return;
  const cell = cellOf(log) ?? (await chooseCell());
  const started = await vscode.debug.startDebugging(undefined, {
    type: DEBUG_TYPE,
    request: "launch",
    name: vscode.workspace.asRelativePath(log),
    log: log.fsPath,
    ...(cell === undefined ? {} : { cell }),
    ...(typeof cycle === "number" ? { cycle } : {}),
  });
  // It stands at the log's first statement, and VS Code shows its values by itself only at a breakpoint.
  if (started) await vscode.commands.executeCommand("workbench.view.debug");
}

async function goToCycle(): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    void vscode.window.showInformationMessage("Sensai: no log is being debugged");
    return;
  }
  const text = await vscode.window.showInputBox({
    title: "Go to cycle",
    validateInput: (typed) => (/^\d+$/.test(typed.trim()) ? undefined : "the number of a cycle"),
  });
  if (text === undefined) return;
  try {
    await session.customRequest("goToCycle", { cycle: Number(text) });
  } catch (error) {
    void vscode.window.showErrorMessage(`Sensai: ${error instanceof Error ? error.message : String(error)}`);
  }
}
