// Program tests: `sensai test` lists them, and runs them in virtual time.

import * as vscode from "vscode";
import * as path from "node:path";
import type { Program } from "../program.ts";
import { explanation, fullName, type Finding, type Listed, type Report, type Tested } from "./report.ts";
import { lineRange, terminal, type Kinds, type Runner } from "./runner.ts";

/** The tests of a cell by file, or why nobody knows them. */
export async function listPrograms(
  program: Program,
  controller: vscode.TestController,
  kinds: Kinds,
  cell: string,
): Promise<{ items: vscode.TestItem[]; why?: string }> {
  let report: Report<Listed>;
  try {
    const ended = await program.run(["test", cell, "--list", "--json"]);
    if (!ended.stdout.startsWith("{")) return { items: [], why: ended.stderr.trim() };
    report = JSON.parse(ended.stdout) as Report<Listed>;
  } catch (error) {
    return { items: [], why: error instanceof Error ? error.message : String(error) };
  }
  const suites = new Map<string, vscode.TestItem>();
  const suite = (file: string): vscode.TestItem => {
    const known = suites.get(file);
    if (known !== undefined) return known;
    const item = controller.createTestItem(`${cell}/${file}`, path.basename(file, ".rhai"), vscode.Uri.file(path.join(cell, file)));
    kinds.set(item, { of: "suite", cell });
    suites.set(file, item);
    return item;
  };
  for (const test of report.tests) {
    const parent = suite(test.file);
    const label = test.name.replace(/^test_/, "").replaceAll("_", " ");
    const item = controller.createTestItem(`${parent.id}::${test.name}`, label, parent.uri);
    item.range = lineRange(test.line);
    kinds.set(item, { of: "program", cell, test });
    parent.children.add(item);
  }
  for (const finding of report.findings) suite(finding.path).error = finding.message;
  return { items: [...suites.values()] };
}

export async function runPrograms(runner: Runner, cell: string, items: readonly vscode.TestItem[], kinds: Kinds): Promise<void> {
  const { program, run, token } = runner;
  const wanted = new Map<string, vscode.TestItem>();
  for (const item of items) {
    const kind = kinds.get(item);
    if (kind?.of === "program") wanted.set(fullName(kind.test), item);
  }
  if (wanted.size === 0 || token.isCancellationRequested) return;
  for (const item of wanted.values()) run.started(item);
  const filters = [...wanted.keys()].flatMap((name) => ["--filter", name]);
  try {
    const ended = await program.run(["test", cell, "--json", ...filters], undefined, token);
    if (token.isCancellationRequested) return;
    if (!ended.stdout.startsWith("{")) throw new Error(ended.stderr.trim());
    const report = JSON.parse(ended.stdout) as Report<Tested>;
    for (const tested of report.tests) {
      // A filter also takes longer names.
      const item = wanted.get(fullName(tested));
      if (item === undefined) continue;
      wanted.delete(fullName(tested));
      tell(run, item, cell, tested);
    }
    for (const item of wanted.values()) run.errored(item, new vscode.TestMessage("it was not run: it is not there any more"));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const item of wanted.values()) run.errored(item, new vscode.TestMessage(text));
    run.appendOutput(terminal(`${text}\n`));
  }
}

function tell(run: vscode.TestRun, item: vscode.TestItem, cell: string, tested: Tested): void {
  const wall = tested.wall_s * 1000;
  const verdict = tested.passed ? "ok" : "FAILED";
  run.appendOutput(terminal(`${fullName(tested)}  ${verdict}  ${tested.seconds.toFixed(3)} s of virtual time\n`), undefined, item);
  if (tested.passed) {
    run.passed(item, wall);
    return;
  }
  const messages = tested.findings.map((finding) => message(finding, cell, tested));
  for (const { message: text } of messages) {
    if (typeof text === "string") run.appendOutput(terminal(`${text}\n`), undefined, item);
  }
  run.failed(item, messages, wall);
}

function message(finding: Finding, cell: string, tested: Tested): vscode.TestMessage {
  const of = new vscode.TestMessage(explanation(finding, tested.changes, tested.printed));
  const file = vscode.Uri.file(path.join(cell, finding.path));
  of.location = new vscode.Location(file, lineRange(finding.line, finding.column));
  return of;
}
