// Commands of `sensai` that have something to say to a person: tasks, in a terminal of their own.

import * as vscode from "vscode";
import * as path from "node:path";
import { cellName, findCells } from "./cells.ts";
import type { Program } from "./program.ts";

export const TASK_TYPE = "sensai";

export interface Definition extends vscode.TaskDefinition {
  readonly command: string;
  readonly args?: readonly string[];
  /** Folder of the cell, absolute or relative to the workspace's folder. */
  readonly cell?: string;
}

/** Commands that are offered for each cell, without being asked for anything. */
const OFFERED = ["check", "test", "run"] as const;

export class Tasks implements vscode.TaskProvider, vscode.Disposable {
  readonly #program: Program;
  readonly #subscriptions: vscode.Disposable[];
  /** Process of each run that was started here. */
  readonly #runs = new Map<vscode.TaskExecution, number>();

  constructor(program: Program) {
    this.#program = program;
    this.#subscriptions = [
      vscode.tasks.registerTaskProvider(TASK_TYPE, this),
      vscode.tasks.onDidStartTaskProcess(({ execution, processId }) => {
        const { type, command } = execution.task.definition;
        if (type === TASK_TYPE && command === "run") this.#runs.set(execution, processId);
        this.#tell();
      }),
      vscode.tasks.onDidEndTaskProcess(({ execution }) => {
        this.#runs.delete(execution);
        this.#tell();
      }),
    ];
  }

  async provideTasks(): Promise<vscode.Task[]> {
    const found = this.#program.find();
    if ("missing" in found) return [];
    const cells = await findCells();
    return cells.flatMap((cell) => OFFERED.map((command) => task(found.program, { type: TASK_TYPE, command, cell })));
  }

  resolveTask(unfinished: vscode.Task): vscode.Task | undefined {
    const found = this.#program.find();
    if ("missing" in found) return undefined;
    return task(found.program, unfinished.definition as Definition, unfinished.scope);
  }

  /** Start one; its end is not waited for. */
  async start(command: string, args: readonly string[], cell: string): Promise<vscode.TaskExecution | undefined> {
    const program = await this.#program.ask();
    if (program === undefined) return undefined;
    await vscode.workspace.saveAll(false);
    return vscode.tasks.executeTask(task(program, { type: TASK_TYPE, command, args, cell }));
  }

  /** Ask the runs to end in an orderly way, as Ctrl-C does: axes to rest, fault values, records to the log. */
  stopRuns(): void {
    if (this.#runs.size === 0) void vscode.window.showInformationMessage("Sensai: no cell runs that was started in this window");
    for (const process_ of this.#runs.values()) process.kill(process_, "SIGINT");
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #tell(): void {
    void vscode.commands.executeCommand("setContext", "sensai.running", this.#runs.size > 0);
  }
}

function task(
  program: string,
  definition: Definition,
  scope: vscode.WorkspaceFolder | vscode.TaskScope | undefined = undefined,
): vscode.Task {
  const folder = typeof scope === "object" ? scope : vscode.workspace.workspaceFolders?.[0];
  const cell = path.resolve(folder?.uri.fsPath ?? "/", definition.cell ?? ".");
  const words = [definition.command, ...(definition.args ?? [])];
  // Findings name their files relative to the cell.
  const within = vscode.workspace.workspaceFolders?.some(({ uri }) => uri.fsPath === cell) === true;
  const of = new vscode.Task(
    definition,
    scope ?? vscode.workspace.getWorkspaceFolder(vscode.Uri.file(cell)) ?? vscode.TaskScope.Workspace,
    `${definition.command} ${cellName(cell)}`,
    "sensai",
    new vscode.ProcessExecution(program, words, { cwd: cell }),
    definition.command === "check" ? (within ? "$sensai" : "$sensai-search") : [],
  );
  of.presentationOptions = { panel: vscode.TaskPanelKind.Dedicated, clear: true, showReuseMessage: false };
  if (definition.command === "check" || definition.command === "test") of.group = vscode.TaskGroup.Test;
  return of;
}
