/**
 * Makes what wasm2c wrote smaller and faster, by a tenth to a fifth of both. There is one instance of each module, and so
 *
 * - its functions need no parameter that says which: it is the global `NAME_module` of core.c;
 * - with `calls`, loads and stores are calls that know their memory: for code that runs once, where size counts. Else they are always inlined.
 *
 * And an access is compared with the size of the memory as it stands, not the size less the bytes of the access. So the last may read or write up to 7
 * bytes behind it, which wasm-memory.c keeps mapped, and which nothing else uses.
 *
 * @param c what wasm2c 1.0.32 wrote
 * @throws if it is not written as it is expected
 */
export function adaptGenerated(c: string, name: string, { calls }: { calls: boolean }): string {
  const type = `Z_${name}_instance_t`;
  const global = `${name}_module`;
  const begin = c.indexOf("static bool s_module_initialized");
  if (begin === -1) throw new Error("wasm2c wrote C of an unknown shape");
  let helpers = c.slice(0, begin);
  let functions = c
    .slice(begin)
    .replaceAll(new RegExp(`(\\bw2c_\\w+\\()${type}\\*(?: instance)?, `, "g"), "$1")
    .replaceAll(new RegExp(`^(static [^\\n(]* w2c_\\w+\\()${type}\\*(?: instance)?\\)`, "gm"), "$1void)")
    .replaceAll(/(\bw2c_\w+\()instance(?:, |(?=\)))/g, "$1")
    .replaceAll("instance->", `${global}.`);
  helpers = replaceOnce(
    helpers,
    "#define MEMCHECK(mem, a, t) RANGE_CHECK(mem, a, sizeof(t))",
    "#define MEMCHECK(mem, a, t) if (UNLIKELY(a > mem->size)) TRAP(OOB);",
  );
  // Keeps loads whose result nobody uses, so that they trap; the check traps without it.
  helpers = replaceOnce(helpers, "#define wasm_asm __asm__", "#define wasm_asm(...)");
  helpers = replaceOnce(helpers, "#define TRAP(", `extern ${type} ${global};\n#define TRAP(`);
  if (!calls) {
    helpers = helpers.replaceAll(/static inline (?=(?:t3|void) name\(wasm_rt_memory_t)/g, `$&${ALWAYS_INLINE} `);
  } else {
    const memory = `wasm_rt_memory_t* mem = &${global}.w2c_memory;`;
    helpers = helpers
      .replaceAll("static inline t3 name(wasm_rt_memory_t* mem, u64 addr) {", `static t3 name(u64 addr) { ${memory}`)
      .replaceAll(
        "static inline void name(wasm_rt_memory_t* mem, u64 addr, t2 value) {",
        `static void name(u64 addr, t2 value) { ${memory}`,
      );
    functions = functions.replaceAll(
      new RegExp(`(\\b[if](?:32|64)_(?:load|store)\\w*\\()&${global}\\.w2c_memory, `, "g"),
      "$1",
    );
  }
  return helpers + functions;
}

const ALWAYS_INLINE = "__attribute__((always_inline))";

function replaceOnce(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`wasm2c did not write ${from}`);
  return text.replace(from, () => to);
}
