// Calls of `sensai`: found anew each time, so that a changed setting counts at once.

import * as vscode from "vscode";
import { accessSync, constants, statSync } from "node:fs";
import { spawn } from "node:child_process";
import { findProgram, type Found } from "./server/find.ts";

export interface Ended {
  /** Exit code; none: it was ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a call may print; a report of all tests of a large cell is far below. */
const OUTPUT_MAX = 256 * 1024 * 1024;

export class Program {
  readonly #extension: string;

  constructor(extension: string) {
    this.#extension = extension;
  }

  find(): Found {
    const setting = vscode.workspace.getConfiguration("sensai").get<string>("path", "");
    const path = (process.env["PATH"] ?? "").split(":");
    return findProgram({ setting, extension: this.#extension, path }, isProgram);
  }

  /** Its path, or nothing and a message with what can be done. */
  async ask(): Promise<string | undefined> {
    const found = this.find();
    if ("program" in found) return found.program;
    const settings = "Open Settings";
    const chosen = await vscode.window.showErrorMessage(`Sensai: ${found.missing}`, settings);
    if (chosen === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "sensai.path");
    return undefined;
  }

  /** Run it to its end. Throws if there is none, or if it cannot be started. */
  run(words: readonly string[], cwd?: string, token?: vscode.CancellationToken): Promise<Ended> {
    const found = this.find();
    if ("missing" in found) return Promise.reject(new Error(found.missing));
    return runToEnd(found.program, words, cwd, token);
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function runToEnd(
  program: string,
  words: readonly string[],
  cwd: string | undefined,
  token: vscode.CancellationToken | undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const cancelled = token?.onCancellationRequested(() => child.kill("SIGTERM"));
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let size = 0;
    const take = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > OUTPUT_MAX) child.kill("SIGTERM");
      else into.push(chunk);
    };
    child.stdout.on("data", take(stdout));
    child.stderr.on("data", take(stderr));
    child.on("error", (error) => {
      cancelled?.dispose();
      reject(new Error(`cannot start ${program}: ${error.message}`));
    });
    child.on("close", (code) => {
      cancelled?.dispose();
      if (size > OUTPUT_MAX) reject(new Error(`${words.join(" ")} printed more than ${OUTPUT_MAX} bytes`));
      else resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}
