// Replay tests: a log under `tests/` is run again, and every output and state must be the same, bit for bit.

import * as vscode from "vscode";
import * as path from "node:path";
import { differing, type Replayed } from "./report.ts";
import { terminal, type Kinds, type Runner } from "./runner.ts";

export async function listReplays(controller: vscode.TestController, kinds: Kinds, cell: string): Promise<vscode.TestItem[]> {
  const logs = await vscode.workspace.findFiles(new vscode.RelativePattern(cell, "tests/**/*.snlog"));
  logs.sort((a, b) => a.fsPath.localeCompare(b.fsPath));
  return logs.map((log) => {
    const name = path.relative(path.join(cell, "tests"), log.fsPath);
    const item = controller.createTestItem(log.fsPath, name, log);
    kinds.set(item, { of: "replay", cell });
    return item;
  });
}

export async function runReplay({ program, run, token }: Runner, item: vscode.TestItem, kinds: Kinds): Promise<void> {
  const kind = kinds.get(item);
  if (kind?.of !== "replay" || item.uri === undefined || token.isCancellationRequested) return;
  run.started(item);
  const begin = performance.now();
  try {
    const ended = await program.run(["replay", item.uri.fsPath, "--json"], undefined, token);
    if (token.isCancellationRequested) return;
    if (!ended.stdout.startsWith("{")) throw new Error(ended.stderr.trim());
    const replayed = JSON.parse(ended.stdout) as Replayed;
    const why = differing(replayed);
    const took = performance.now() - begin;
    run.appendOutput(terminal(`${item.label}: ${why ?? `equal, ${replayed.cycles} cycles`}\n`), undefined, item);
    delete kind.differs;
    if (why === undefined) {
      run.passed(item, took);
    } else {
      if (replayed.difference !== null) kind.differs = replayed.difference.cycle;
      run.failed(item, new vscode.TestMessage(why), took);
    }
  } catch (error) {
    run.errored(item, new vscode.TestMessage(error instanceof Error ? error.message : String(error)));
  }
}
