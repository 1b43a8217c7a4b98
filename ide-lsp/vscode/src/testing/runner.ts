// What the two kinds of tests share.

import * as vscode from "vscode";
import type { Program } from "../program.ts";
import type { Listed } from "./report.ts";

export type Kind =
  | { readonly of: "cell"; readonly cell: string }
  | { readonly of: "suite"; readonly cell: string }
  | { readonly of: "program"; readonly cell: string; readonly test: Listed }
  /** `differs` is the first cycle that was not equal in the last run. */
  | { readonly of: "replay"; readonly cell: string; differs?: number };

export type Kinds = WeakMap<vscode.TestItem, Kind>;

export interface Runner {
  readonly program: Program;
  readonly run: vscode.TestRun;
  readonly token: vscode.CancellationToken;
}

/** Terminals want both. */
export function terminal(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** The whole line, from 1. */
export function lineRange(line: number, column = 1): vscode.Range {
  const start = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
  return new vscode.Range(start, start);
}
