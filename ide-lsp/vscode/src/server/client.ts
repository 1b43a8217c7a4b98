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
  // Descriptions of models.
  { scheme: "file", pattern: "**/models/*.toml" },
];

export class Server implements vscode.Disposable {
  readonly #program: Program;
  readonly #started = new vscode.EventEmitter<void>();
  readonly #told = new vscode.EventEmitter<{ method: string; params: unknown }>();
  /** It runs, and knows nothing of what was asked of the one before. */
  readonly onDidStart = this.#started.event;
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
        client.onNotification("sensai/online", (params) => this.#told.fire({ method: "sensai/online", params }));
        this.#started.fire();
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

  /** What the server says by itself, beside what the protocol has. */
  onDidTell(method: string, heard: (params: unknown) => void): vscode.Disposable {
    return this.#told.event((told) => {
      if (told.method === method) heard(told.params);
    });
  }

  /** Ask for something that may be refused; without a server nothing is asked. */
  async ask(method: string, params: object): Promise<void> {
    try {
      await this.#client?.sendRequest(method, params);
    } catch (error) {
      this.#client?.outputChannel.appendLine(`${method}: ${String(error)}`);
    }
  }

  showOutput(): void {
    this.#client?.outputChannel.show();
  }

  dispose(): void {
    this.#started.dispose();
    this.#told.dispose();
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
