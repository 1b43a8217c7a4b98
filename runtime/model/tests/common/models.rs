//! Models for tests: an `.onnx` file that nobody opens, with descriptions that say this and that of it.

/// The file.
pub const BYTES: &[u8] = b"model\n";
/// Its SHA-256.
pub const SHA256: &str = "98ad61a25e3683b6adf2474b01bbe1c27de6aad2ce3a80ff4140fe473c14e691";

/// A description without a flaw: four values in, four out.
pub fn good() -> String {
    format!(
        "title = \"autoencoder\"\nsha256 = \"{SHA256}\"\nscore = \"reconstruction_error\"\nthreshold = 0.25\n\
         golden = {{ inputs = [0, 1, 2, 3], outputs = [[0, 1], [2, 3]], tolerance = 0.001 }}\n\
         [[inputs]]\nname = \"curve\"\nshape = [1, 4]\nunit = \"N\"\nmean = 500.0\nscale = [1, 2, 3, 4]\n\
         [[outputs]]\nname = \"reconstruction\"\nshape = [1, 2, 2]\n\
         [provenance]\ntrained_by = \"train.py\"\nsamples = 4000\n"
    )
}

/// Two inputs, a classifier's output, nothing that need not be there.
pub fn two_inputs() -> String {
    format!(
        "sha256 = \"{SHA256}\"\ngolden = \"two.golden.json\"\n\
         [[inputs]]\nname = \"a\"\nshape = [1, 2]\nscale = 2\n[[inputs]]\nname = \"b\"\nshape = [3]\n\
         [[outputs]]\nname = \"class\"\nshape = [1, 2]\n"
    )
}

/// The files of all models that tests name.
pub fn file(path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix("models/")?;
    if name.ends_with(".onnx") && name != "gone.onnx" {
        return Some(BYTES.to_vec());
    }
    let text = match name {
        "good.toml" => good(),
        "two.toml" => two_inputs(),
        "two.golden.json" => r#"{"inputs": [[1, 2], [3, 4, 5]], "outputs": [0.5, 0.5]}"#.to_owned(),
        "other.toml" => good().replace("98ad", "0000"),
        "short_hash.toml" => good().replace("98ad", ""),
        "no_golden.toml" => {
            good().lines().filter(|line| !line.starts_with("golden")).collect::<Vec<_>>().join("\n")
        }
        "golden_too_long.toml" => good().replace("[0, 1, 2, 3]", "[0, 1, 2, 3, 4]"),
        "golden_no_json.toml" => good().replace("golden = {", "golden = \"good.toml\" # {"),
        "golden_gone.toml" => good().replace("golden = {", "golden = \"gone.json\" # {"),
        "golden_outside.toml" => good().replace("golden = {", "golden = \"../../x.json\" # {"),
        "golden_of_text.toml" => good().replace("[0, 1, 2, 3]", "[0, \"1\", 1e300, 3]"),
        "golden_number.toml" => good().replace("golden = {", "golden = 3 # {"),
        "nothing.toml" => "title = \"nothing\"\n".to_owned(),
        "empty.toml" => format!("sha256 = \"{SHA256}\"\ninputs = []\noutputs = []\n"),
        "dynamic.toml" => good().replace("[1, 4]", "[-1, 4]"),
        "huge.toml" => good().replace("[1, 4]", "[65536, 65536]"),
        "scale_zero.toml" => good().replace("[1, 2, 3, 4]", "[1, 0, 3, 4]"),
        "scale_short.toml" => good().replace("[1, 2, 3, 4]", "[1, 2]"),
        "no_error.toml" => {
            good().replace("[1, 2, 2]", "[1, 3]").replace("outputs = [[0, 1], [2, 3]]", "outputs = [0, 1, 2]")
        }
        "no_element.toml" => good().replace("\"reconstruction_error\"", "{ output = 0, element = 4 }"),
        "no_output.toml" => good().replace("\"reconstruction_error\"", "{ output = 1 }"),
        "misspelt.toml" => good().replace("threshold", "treshold"),
        "syntax.toml" => good().replace("threshold = ", "threshold "),
        _ => return None,
    };
    Some(text.into_bytes())
}
