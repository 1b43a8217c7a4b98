// Sensai in VS Code. What a program means, the language server says; what a machine does, the runtime; here is only how it
// is shown.

import * as vscode from "vscode";
import { registerCellCommands } from "./commands/cell.ts";
import { newCell } from "./commands/newCell.ts";
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
  const monitor = new Monitor();
  const tasks = new Tasks(program);
  const tree = new RuntimeTree(monitor);
  context.subscriptions.push(
    server,
    monitor,
    tasks,
    tree,
    new Online(server, monitor),
    new Status(monitor),
    new Tests(program),
    vscode.window.registerTreeDataProvider("sensai.runtime", tree),
    new Scopes(context.extensionUri, program, monitor).register(),
    registerPages(server),
    registerDebugger(program),
    registerCellCommands(tasks, monitor),
    registerRuntimeCommands(monitor),
    vscode.commands.registerCommand("sensai.newCell", () => newCell(program)),
    vscode.commands.registerCommand("sensai.restartServer", () => server.restart()),
    vscode.commands.registerCommand("sensai.showOutput", () => server.showOutput()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("sensai.path")) void server.restart();
    }),
  );
  monitor.start();
  // Not waited for: everything else works without it.
  void server.restart();
}
