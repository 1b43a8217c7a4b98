-- Neovim with the configuration that docs/editor.md gives, and nothing else. Run by `test_neovim.py` with
--   nvim --headless --clean -u CONFIGURATION -l check.lua PROGRAM
-- Each line on standard output is a name and something that was seen, as JSON; the last one is `done`.

local function say(name, value)
  io.stdout:write(name .. " " .. vim.json.encode(value) .. "\n")
end

local function wait(what, ask)
  if not vim.wait(60000, ask, 50) then
    error(what .. ": not within 60 s")
  end
end

local function look(program)
  vim.cmd.edit(vim.fn.fnameescape(program))
  local buffer = vim.api.nvim_get_current_buf()
  say("filetype", vim.bo[buffer].filetype)
  wait("the server is attached", function()
    return #vim.lsp.get_clients({ bufnr = buffer }) == 1
  end)
  local client = vim.lsp.get_clients({ bufnr = buffer })[1]
  say("root", vim.fs.basename(client.root_dir or client.config.root_dir))
  say("encoding", client.offset_encoding)
  wait("findings", function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  local found = vim.diagnostic.get(buffer)[1]
  say("finding", { code = found.code, line = found.lnum + 1, column = found.col + 1, message = found.message })

  local document = vim.lsp.util.make_text_document_params(buffer)
  local function ask(method, row, text, more)
    local column = assert(vim.fn.getline(row):find(text, 1, true)) - 1
    local parameters = { textDocument = document, position = { line = row - 1, character = column } }
    local answer = client:request_sync(method, vim.tbl_extend("force", parameters, more or {}), 60000, buffer)
    return assert(answer, method .. ": no answer").result
  end
  local row = vim.fn.search("max(this.peak", "nw")
  say("hover", ask("textDocument/hover", row, "ram)").contents.value)
  local completed = ask("textDocument/completion", row, "force.ram")
  local labels = vim.tbl_map(function(item)
    return item.label
  end, completed.items or completed)
  say("completion", labels)
  wait("inlay hints", function()
    return #vim.lsp.inlay_hint.get({ bufnr = buffer }) > 0
  end)
  say("hints", #vim.lsp.inlay_hint.get({ bufnr = buffer }))

  local clamp = vim.fn.search("io.clamp", "nw")
  vim.api.nvim_win_set_cursor(0, { clamp, vim.fn.getline(clamp):find("clamp") - 1 })
  vim.lsp.buf.rename("vice")
  wait("the rename", function()
    return vim.fn.search("io.vice", "nw") > 0
  end)
  local cell = vim.fn.bufnr("cell.toml")
  say("renamed", table.concat(vim.fn.getbufline(cell, 1, "$"), "\n"):match("vice%s+=") and "in both" or "only here")
  client:stop()
end

local ok, why = pcall(look, arg[1])
say(ok and "done" or "failed", ok and "" or tostring(why))
os.exit(ok and 0 or 1, true)
