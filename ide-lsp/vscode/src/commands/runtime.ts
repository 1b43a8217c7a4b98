// Commands to the running cell, from the runtime panel.

import * as vscode from "vscode";
import type { Monitor } from "../control/monitor.ts";
import type { Row } from "../runtime/rows.ts";
import { parse } from "../runtime/text.ts";

export function registerRuntimeCommands(monitor: Monitor): vscode.Disposable {
  const commands: Readonly<Record<string, (row: Row | undefined) => unknown>> = {
    attach: () => monitor.choose(),
    detach: () => monitor.detach(),
    setParameter: (row) => setParameter(monitor, row),
    acknowledge: (row) => monitor.command("ack", row?.name === undefined ? {} : { alarm: row.name }),
    copyName: (row) => vscode.env.clipboard.writeText(row?.name ?? ""),
    menu: () => menu(monitor),
  };
  const registered = Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`sensai.${name}`, async (row: Row | undefined) => {
      try {
        await run(row);
      } catch (error) {
        void vscode.window.showErrorMessage(`Sensai: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

async function setParameter(monitor: Monitor, row: Row | undefined): Promise<void> {
  const { description, view } = monitor.now ?? {};
  const all = description?.parameters ?? [];
  const items = all.map((parameter) => ({ label: parameter.name, description: parameter.unit ?? "", parameter }));
  const known = all.find(({ name }) => name === row?.name);
  const parameter = known ?? (await vscode.window.showQuickPick(items, { title: "Which parameter?" }))?.parameter;
  if (parameter === undefined) return;
  const range = parameter.range === undefined ? "" : `, ${parameter.range.join(" to ")}`;
  const text = await vscode.window.showInputBox({
    title: `${parameter.name}: ${parameter.type}${parameter.unit === undefined ? "" : ` in ${parameter.unit}`}${range}`,
    value: String(view?.parameters?.[parameter.name] ?? ""),
    ...(parameter.description === undefined ? {} : { prompt: parameter.description }),
    validateInput: (typed) => (parse(typed, parameter.type) === undefined ? `expected ${parameter.type}` : undefined),
  });
  if (text === undefined) return;
  await monitor.command("set-param", { name: parameter.name, value: parse(text, parameter.type) });
}

/** What the status bar leads to. */
async function menu(monitor: Monitor): Promise<void> {
  const attached = monitor.now !== undefined;
  const items = [
    { label: "$(play) Run in simulation", command: "sensai.run", shown: !attached },
    { label: "$(record) Run in simulation and record", command: "sensai.runRecorded", shown: !attached },
    { label: "$(sync) Reload changed programs", command: "sensai.reload", shown: attached },
    { label: "$(graph-line) Scope", command: "sensai.openScope", shown: attached },
    { label: "$(list-tree) Runtime panel", command: "sensai.runtime.focus", shown: attached },
    { label: "$(settings) Set a parameter", command: "sensai.setParameter", shown: attached },
    { label: "$(debug-stop) Stop the runs started here", command: "sensai.stopRun", shown: attached },
    { label: "$(debug-disconnect) Detach", command: "sensai.detach", shown: attached },
    { label: "$(plug) Attach to a cell that runs", command: "sensai.attach", shown: true },
  ];
  const chosen = await vscode.window.showQuickPick(items.filter((item) => item.shown), { title: "Sensai" });
  if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command);
}
