"""The language server through a client that is not ours: pytest-lsp, as VS Code and as Neovim."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import pytest_lsp
from conftest import REPOSITORY, sensai
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

EXAMPLE = REPOSITORY / "examples" / "pneumatic-press"
PROGRAM = EXAMPLE / "programs" / "press.rhai"
CELL = EXAMPLE / "cell.toml"
TEXT = PROGRAM.read_text()


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=[sensai(), "lsp"]),
    params=["visual-studio-code", "neovim"],
    scope="module",
)
async def client(request, lsp_client: LanguageClient):
    """A session, over the example."""
    capabilities = client_capabilities(request.param)
    parameters = lsp.InitializeParams(capabilities=capabilities, root_uri=EXAMPLE.as_uri())
    await lsp_client.initialize_session(parameters)
    yield
    await lsp_client.shutdown_session()


class Document:
    """A text in the editor; the file on disk stays as it is."""

    def __init__(self, client: LanguageClient, path: Path):
        self.client = client
        self.uri = path.as_uri()
        self.version = 0

    async def show(self, text: str) -> list[lsp.Diagnostic]:
        """Open it, or replace its text, and wait for what is said of it."""
        self.version += 1
        self.client.diagnostics.pop(self.uri, None)
        if self.version == 1:
            item = lsp.TextDocumentItem(self.uri, "sensai-rhai", self.version, text)
            self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        else:
            identifier = lsp.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri)
            change = lsp.TextDocumentContentChangeWholeDocument(text)
            self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [change]))
        while self.uri not in self.client.diagnostics:
            await asyncio.wait_for(self.client.wait_for_notification(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 60)
        return list(self.client.diagnostics[self.uri])

    def close(self) -> None:
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(self.identifier))
        self.version = 0

    @property
    def identifier(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)


def place(text: str, marked: str) -> tuple[str, lsp.Position]:
    """`marked` occurs in `text` once without its `|`; the text, and the place of the `|`."""
    before, after = marked.split("|")
    start = text.index(before + after)
    assert text.find(before + after, start + 1) < 0, f"{marked} is not the only one"
    lines = text[: start + len(before)].split("\n")
    return text, lsp.Position(len(lines) - 1, len(lines[-1]))


@pytest.mark.asyncio(loop_scope="module")
async def test_findings_come_and_go(client: LanguageClient):
    document = Document(client, PROGRAM)
    assert await document.show(TEXT) == []
    wrong = await document.show(TEXT.replace("this.settle.Q && this.start.Q", "this.settle.QQ && this.start.Q"))
    assert [(found.code, found.severity) for found in wrong] == [("S218", lsp.DiagnosticSeverity.Error)]
    assert wrong[0].code_description is not None and wrong[0].code_description.href == "sensai:/errors/S218.md"
    assert await document.show(TEXT) == []
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_half_a_text_is_survived(client: LanguageClient):
    document = Document(client, PROGRAM)
    for end in range(0, len(TEXT), len(TEXT) // 7):
        await document.show(TEXT[:end])
    assert await document.show(TEXT) == []
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_hover_tells_unit_and_binding(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, at = place(TEXT, "max(this.peak, io.force.r|am)")
    hover = await client.text_document_hover_async(lsp.HoverParams(document.identifier, at))
    assert hover is not None and isinstance(hover.contents, lsp.MarkupContent)
    assert "io.force.ram: f64 [N]" in hover.contents.value
    assert "force.channel_1.value" in hover.contents.value
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_tags_are_completed(client: LanguageClient):
    document = Document(client, PROGRAM)
    text, at = place(TEXT.replace("this.start.run(io.start);", "this.start.run(io.nest.);"), "io.nest.|)")
    await document.show(text)
    answer = await client.text_document_completion_async(lsp.CompletionParams(document.identifier, at))
    items = answer.items if isinstance(answer, lsp.CompletionList) else answer or []
    assert {"present", "height"} <= {item.label for item in items[:5]}
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_tag_is_declared_in_cell_toml(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, at = place(TEXT, "io.cl|amp")
    answer = await client.text_document_definition_async(lsp.DefinitionParams(document.identifier, at))
    found = answer if isinstance(answer, list) else [answer]
    assert [target.uri for target in found] == [CELL.as_uri()]
    line = CELL.read_text().split("\n")[found[0].range.start.line]
    assert line.startswith("clamp")
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_tag_is_renamed_everywhere(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, at = place(TEXT, "io.cl|amp")
    prepared = await client.text_document_prepare_rename_async(lsp.PrepareRenameParams(document.identifier, at))
    assert prepared is not None
    edit = await client.text_document_rename_async(lsp.RenameParams(document.identifier, at, "vice"))
    assert edit is not None
    changed = set(edit.changes or {}) | {change.text_document.uri for change in edit.document_changes or []}
    assert {PROGRAM.as_uri(), CELL.as_uri()} <= changed
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_is_read(client: LanguageClient):
    page = await asyncio.wait_for(client.protocol.send_request_async("sensai/page", {"code": "S216"}), 60)
    assert "S216" in page


def applied(text: str, edits: Sequence[lsp.TextEdit]) -> str:
    """The text with edits that do not overlap; columns are those of a text without surrogates."""
    lines = text.split("\n")

    def offset(at: lsp.Position) -> int:
        return sum(len(line) + 1 for line in lines[: at.line]) + at.character

    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text


@pytest.mark.asyncio(loop_scope="module")
async def test_formatting_is_done_once_and_moves_only_space(client: LanguageClient):
    document = Document(client, PROGRAM)
    crooked = TEXT.replace("    this.start.run(io.start);", "  this.start . run( io.start ) ;")
    await document.show(crooked)
    options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)
    parameters = lsp.DocumentFormattingParams(document.identifier, options)
    edits = await client.text_document_formatting_async(parameters)
    straight = applied(crooked, edits or [])
    assert "    this.start.run(io.start);" in straight.split("\n")
    assert "".join(straight.split()) == "".join(crooked.split())
    await document.show(straight)
    assert not await client.text_document_formatting_async(parameters)
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_colours_hints_lenses_and_outline_are_there(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    of = document.identifier
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(TEXT.count("\n"), 0))
    tokens = await client.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(of))
    hints = await client.text_document_inlay_hint_async(lsp.InlayHintParams(of, whole))
    lenses = await client.text_document_code_lens_async(lsp.CodeLensParams(of))
    outline = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(of))
    folds = await client.text_document_folding_range_async(lsp.FoldingRangeParams(of))
    assert tokens is not None and len(tokens.data) > 100
    assert hints and lenses and folds
    assert {"init", "cycle", "judge"} <= {symbol.name.split("(")[0] for symbol in outline or []}
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_calls_are_shown_both_ways(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, at = place(TEXT, "fn jud|ge(")
    prepared = lsp.CallHierarchyPrepareParams(document.identifier, at)
    items = await client.text_document_prepare_call_hierarchy_async(prepared)
    assert items and items[0].name == "judge" and items[0].uri == PROGRAM.as_uri()
    callers = await client.call_hierarchy_incoming_calls_async(lsp.CallHierarchyIncomingCallsParams(items[0]))
    assert callers and [call.from_.name for call in callers] == ["cycle"]
    lines = TEXT.split("\n")
    for found in callers[0].from_ranges:
        assert lines[found.start.line][found.start.character : found.end.character] == "judge"
    callees = await client.call_hierarchy_outgoing_calls_async(lsp.CallHierarchyOutgoingCallsParams(callers[0].from_))
    assert "judge" in {call.to.name for call in callees or []}
    document.close()


async def extraction(client: LanguageClient, document: Document, selected: lsp.Range) -> lsp.CodeAction | None:
    """What is offered to make a function of a selection."""
    wanted = lsp.CodeActionContext(diagnostics=[], only=[lsp.CodeActionKind.RefactorExtract])
    parameters = lsp.CodeActionParams(document.identifier, selected, wanted)
    offered = await client.text_document_code_action_async(parameters) or []
    actions = [action for action in offered if isinstance(action, lsp.CodeAction)]
    assert len(actions) == len(offered) <= 1
    return actions[0] if actions else None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_selection_becomes_a_function(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, start = place(TEXT, "this.peak = |max(this.peak, io.force.ram)")
    _, end = place(TEXT, "this.peak = max(this.peak, io.force.ram)|")
    made = await extraction(client, document, lsp.Range(start, end))
    assert made is not None and made.disabled is None and made.edit is not None
    changes = (made.edit.changes or {})[PROGRAM.as_uri()]
    after = applied(TEXT, changes)
    assert "this.peak = this.extracted();" in after
    assert "fn extracted() {\n    max(this.peak, io.force.ram)\n}\n" in after
    assert await document.show(after) == []
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_a_function_says_why(client: LanguageClient):
    document = Document(client, PROGRAM)
    await document.show(TEXT)
    _, start = place(TEXT, "|this.peak = max(this.peak, io.force.ram)")
    _, end = place(TEXT, "this.peak| = max(this.peak, io.force.ram)")
    refused = await extraction(client, document, lsp.Range(start, end))
    # A client that cannot show the reason is not offered it.
    actions = client.capabilities.text_document and client.capabilities.text_document.code_action
    if actions and actions.disabled_support:
        assert refused is not None and refused.edit is None and refused.disabled is not None
        assert "copy" in refused.disabled.reason
    else:
        assert refused is None
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_typed_becomes_straight(client: LanguageClient):
    document = Document(client, PROGRAM)
    line = "    this.start.run(io.start);"
    options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)

    async def typed(text: str, at: lsp.Position, character: str) -> str:
        await document.show(text)
        parameters = lsp.DocumentOnTypeFormattingParams(document.identifier, at, character, options)
        return applied(text, await client.text_document_on_type_formatting_async(parameters) or [])

    crooked = TEXT.replace(line, "  this.start . run( io.start ) ;")
    _, at = place(crooked, "run( io.start ) ;|")
    assert await typed(crooked, at, ";") == TEXT
    broken = TEXT.replace(line, f"{line}\n")
    _, at = place(broken, f"{line}\n|\n")
    assert await typed(broken, at, "\n") == TEXT.replace(line, f"{line}\n    ")
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_values_of_the_cell_are_completed_and_explained(client: LanguageClient):
    document = Document(client, CELL)
    text, at = place(f'{CELL.read_text()}\n[axes.ram]\nmode = ""\n', 'mode = "|"')
    await document.show(text)
    answer = await client.text_document_completion_async(lsp.CompletionParams(document.identifier, at))
    items = answer.items if isinstance(answer, lsp.CompletionList) else answer or []
    assert [item.label for item in items] == ["csp", "csv", "cst"]
    _, at = place(text, 'mo|de = ""')
    hover = await client.text_document_hover_async(lsp.HoverParams(document.identifier, at))
    assert hover is not None and isinstance(hover.contents, lsp.MarkupContent)
    assert "[axes.<name>]" in hover.contents.value
    document.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_descriptions_of_models_are_served(client: LanguageClient):
    path = REPOSITORY / "examples" / "press-cell" / "models" / "stroke.toml"
    text = path.read_text()
    document = Document(client, path)
    assert await document.show(text) == []
    wrong = await document.show(text.replace("threshold", "treshold"))
    assert [found.code for found in wrong] == ["C101"]
    _, at = place(text.replace("threshold", "t"), "\nt| = 1.0")
    await document.show(text.replace("threshold", "t"))
    answer = await client.text_document_completion_async(lsp.CompletionParams(document.identifier, at))
    items = answer.items if isinstance(answer, lsp.CompletionList) else answer or []
    assert "threshold" in [item.label for item in items]
    document.close()
