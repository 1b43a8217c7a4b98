// The page behind the code of a finding: `sensai:/errors/S216.md`, which the server gives the text of.

import * as vscode from "vscode";
import type { Server } from "./server/client.ts";

const SCHEME = "sensai";

export function registerPages(server: Server): vscode.Disposable {
  const provider: vscode.TextDocumentContentProvider = {
    async provideTextDocumentContent(uri) {
      const code = /([A-Z]\d+)\.md$/.exec(uri.path)?.[1];
      if (code === undefined) throw new Error(`${uri.toString()} is no page of a finding`);
      return server.page(code);
    },
  };
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, provider),
    vscode.commands.registerCommand("sensai.explain", (given: unknown) => explain(server, given)),
  );
}

/** The page of this code; without one, of the finding under the cursor; without one, of a code that is asked for. */
async function explain(server: Server, given: unknown): Promise<void> {
  const code = typeof given === "string" ? given : (codeAtCursor() ?? (await ask()));
  if (code === undefined) return;
  try {
    await server.page(code);
  } catch (error) {
    // A preview would only say that there is nothing.
    void vscode.window.showErrorMessage(`Sensai: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  await vscode.commands.executeCommand("markdown.showPreview", vscode.Uri.parse(`${SCHEME}:/errors/${code}.md`));
}

function codeAtCursor(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return undefined;
  const here = vscode.languages
    .getDiagnostics(editor.document.uri)
    .find(({ range }) => range.contains(editor.selection.active) || range.start.line === editor.selection.active.line);
  const code = here?.code;
  if (typeof code === "object") return String(code.value);
  return code === undefined ? undefined : String(code);
}

async function ask(): Promise<string | undefined> {
  const code = await vscode.window.showInputBox({
    title: "Code of a finding",
    placeHolder: "S216",
    validateInput: (text) => (/^[A-Za-z]\d+$/.test(text.trim()) ? undefined : "a letter and a number, such as S216"),
  });
  return code?.trim().toUpperCase();
}
