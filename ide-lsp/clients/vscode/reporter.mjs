// The lines of Rust's test harness, which `cargo xtask` reads, for tests run by Node.

export default async function* reporter(source) {
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    // The file itself is reported as a test, too.
    if ((type !== "test:pass" && type !== "test:fail") || data.file === data.name || /\.mjs$|\.ts$/.test(data.name)) continue;
    const seconds = (data.details.duration_ms / 1000).toFixed(1);
    if (data.skip !== undefined) {
      yield `skipped: ${data.name} (${data.skip})\n`;
    } else if (type === "test:pass") {
      passed += 1;
      yield `test ${data.name} ... ok (${seconds} s)\n`;
    } else {
      failed += 1;
      const { error } = data.details;
      yield `${error?.cause?.stack ?? error?.message ?? error}\n\ntest ${data.name} ... FAILED\n`;
    }
  }
  yield `test result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; 0 ignored\n`;
}
