// The language server's life: started with the extension, again when the setting changes or when somebody asks.

import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn } from "vscode-languageclient/node";
import type { Program } from "../program.ts";

/**
 * By path, not by language: a program is served whatever other extension has given the file its language.
 */
const SELECTOR = [
  { scheme: "file", pattern: "**/*.rhai" },
  { scheme: "file", pattern: "**/cell.toml" },
];

export class Server implements vscode.Disposable {
  readonly #program: Program;
  #client: LanguageClient | undefined;
  /** Starts and stops follow each other. */
  #last: Promise<void> = Promise.resolve();

  constructor(program: Program) {
    this.#program = program;
  }

  /** Start it, the present one ended before. */
  restart(): Promise<void> {
    this.#last = this.#last.then(async () => {
      await this.#end();
      const command = await this.#find();
      if (command === undefined) return;
      const client = new LanguageClient(
        "sensai",
        "Sensai",
        // Without a transport: saying that it is standard input and output would add an argument.
        { command, args: ["lsp"] },
        { documentSelector: SELECTOR, revealOutputChannelOn: RevealOutputChannelOn.Never },
      );
      this.#client = client;
      try {
        await client.start();
      } catch (error) {
        this.#client = undefined;
        void vscode.window.showErrorMessage(`Sensai: the language server ${command} does not start: ${String(error)}`);
      }
    });
    return this.#last;
  }

  /** The text of a finding's page, as Markdown. */
  async page(code: string): Promise<string> {
    await this.#last;
    if (this.#client === undefined) throw new Error("the language server does not run");
    return this.#client.sendRequest<string>("sensai/page", { code });
  }

  showOutput(): void {
    this.#client?.outputChannel.show();
  }

  dispose(): void {
    this.#last = this.#last.then(() => this.#end());
  }

  /** Not waited for: the message stays until somebody reads it. */
  async #find(): Promise<string | undefined> {
    const found = this.#program.find();
    if ("program" in found) return found.program;
    void this.#program.ask();
    return undefined;
  }

  async #end(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.dispose();
  }
}
