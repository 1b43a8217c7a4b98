// Sensai in VS Code. What a program means, the language server says; what a machine does, the runtime; here is only how it
// is shown.

import * as vscode from "vscode";
import { registerCellCommands } from "./commands/cell.ts";
import { goOn, newCell } from "./commands/newCell.ts";
import { registerRuntimeCommands } from "./commands/runtime.ts";
import { Monitor } from "./control/monitor.ts";
import { registerDebugger } from "./debug.ts";
import { registerPages } from "./pages.ts";
import { Program } from "./program.ts";
import { Status } from "./runtime/status.ts";
import { RuntimeTree } from "./runtime/tree.ts";
import { Scopes } from "./scope/panel.ts";
import { Server } from "./server/client.ts";
import { Online } from "./server/online.ts";
import { Tasks } from "./tasks.ts";
import { Tests } from "./testing/controller.ts";

export function activate(context: vscode.ExtensionContext): void {
  const program = new Program(context.extensionPath);
  const server = new Server(program);
  const monitor = new Monitor(program);
  const tasks = new Tasks(program);
  const online = new Online(server, monitor);
  context.subscriptions.push(
    server,
    monitor,
    tasks,
    online,
    new RuntimeTree(monitor, online),
    new Status(monitor),
    new Tests(program),
    new Scopes(context.extensionUri, program, monitor).register(),
    registerPages(server),
    registerDebugger(program),
    registerCellCommands(tasks, monitor),
    registerRuntimeCommands(monitor),
    vscode.commands.registerCommand("sensai.newCell", (from: unknown) => newCell(program, context, from)),
    vscode.commands.registerCommand("sensai.version", () => showVersion(program)),
    vscode.commands.registerCommand("sensai.restartServer", () => server.restart()),
    vscode.commands.registerCommand("sensai.showOutput", () => server.showOutput()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("sensai.path")) void server.restart();
    }),
  );
  monitor.start();
  // Not waited for: everything else works without it.
  void server.restart();
  void goOn(context);
}

/** Which program is used, and from where; if there is none, what to do. */
async function showVersion(program: Program): Promise<void> {
  const at = await program.ask();
  if (at === undefined) return;
  try {
    const { code, stdout, stderr } = await program.run(["--version"]);
    if (code === 0) void vscode.window.showInformationMessage(`Sensai: ${stdout.trim()}, ${at}`);
    else void vscode.window.showErrorMessage(`Sensai: ${at} is no sensai: ${stderr.trim()}`);
  } catch (error) {
    void vscode.window.showErrorMessage(`Sensai: ${error instanceof Error ? error.message : String(error)}`);
  }
}
