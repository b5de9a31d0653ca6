/** Where a module of the core has its memory. */
interface Place {
  /** Below 2 GiB, so that it is a part of each load and store. Nothing else is ever mapped between it and the end of what the check lets through. */
  base: number;
  /** In C: whether an address `at` is beyond what may ever be the module's. */
  beyond: string;
}

/** The reach of `build` ends where `answer` begins: its own is 1 GiB, that of `answer` 2 GiB, and each with MOST_OFFSET more. */
const PLACES: Readonly<Record<string, Place>> = {
  build: { base: 0x10000000, beyond: "at >> 30" },
  answer: { base: 0x50010000, beyond: "(s32)at < 0" },
};
/** Constants that are added to an address behind its check. */
const MOST_OFFSET = 4096;

/**
 * Makes what wasm2c wrote smaller and faster, by a quarter of both. There is one instance of each module, and so
 *
 * - its functions need no parameter that says which: it is the global `NAME_module` of core.c;
 * - its memory lies at an address that is known when it is compiled. Each access is checked against the end of its module's part of the addresses, a constant, in which
 *   nothing but the memory is ever mapped; so what is beyond the memory's size ends in the processor's own check, which `wasm_rt_catch_faults` makes a trap
 *   like any other. Nothing is reserved for that: `ulimit -v` counts the memory alone.
 *
 * @param c what wasm2c 1.0.32 wrote
 * @throws if it is not written as it is expected
 */
export function adaptGenerated(c: string, name: string): string {
  const place = PLACES[name];
  if (place === undefined) throw new Error(`there is no place for the memory of ${name}`);
  const type = `Z_${name}_instance_t`;
  const global = `${name}_module`;
  const begin = c.indexOf("static bool s_module_initialized");
  const accesses = c.indexOf("#if WABT_BIG_ENDIAN");
  const definitions = c.indexOf("DEFINE_LOAD(i32_load, ");
  if (accesses === -1 || definitions < accesses || begin < definitions)
    throw new Error("wasm2c wrote C of an unknown shape");
  let helpers = c.slice(0, accesses) + accessors(place) + c.slice(definitions, begin);
  helpers = replaceOnce(helpers, "#define TRAP(", `extern ${type} ${global};\n#define TRAP(`);
  helpers = replaceOnce(helpers, "__builtin_popcount(x)", "wasm_rt_popcount(x)");
  helpers = replaceOnce(helpers, "static inline void memory_fill(", `${NEVER_INLINE} void memory_fill(`);
  helpers = replaceOnce(helpers, "static inline void memory_copy(", `${NEVER_INLINE} void memory_copy(`);
  const functions = c
    .slice(begin)
    .replaceAll(new RegExp(`(\\bw2c_\\w+\\()${type}\\*(?: instance)?, `, "g"), "$1")
    .replaceAll(new RegExp(`^(static [^\\n(]* w2c_\\w+\\()${type}\\*(?: instance)?\\)`, "gm"), "$1void)")
    .replaceAll(/(\bw2c_\w+\()instance(?:, |(?=\)))/g, "$1")
    .replaceAll("wasm_rt_allocate_memory(&instance->w2c_memory, ", `$&(u8*)${place.base}, `)
    .replaceAll("instance->", `${global}.`)
    .replaceAll(ACCESS, (_, access: string, address: string, offset = "0") => {
      if (Number(offset) > MOST_OFFSET) throw new Error(`wasm2c wrote an access at an offset of ${offset}`);
      return `${access}(${address}, ${offset}u`;
    });
  if (functions.includes(`(&${global}.w2c_memory, (u64)`))
    throw new Error("wasm2c wrote an access of an unknown shape");
  return helpers + functions;
}

const ACCESS = /\b([if](?:32|64)_(?:load|store)\w*)\(&\w+\.w2c_memory, \(u64\)\((\w+)\)(?: \+ (\d+)u)?/g;
const ALWAYS_INLINE = "static inline __attribute__((always_inline))";
const NEVER_INLINE = "static __attribute__((noinline))";

function accessors({ base, beyond }: Place): string {
  return `
#define CHECK(at) if (UNLIKELY(${beyond})) TRAP(OOB);
#define LOAD_DATA(m, o, i, s)
#define DEFINE_LOAD(name, t1, t2, t3)                        \\
  ${ALWAYS_INLINE} t3 name(u32 at, u32 offset) {             \\
    CHECK(at)                                                \\
    t1 result;                                               \\
    memcpy(&result, (u8*)${base}ul + offset + at, sizeof(t1));   \\
    return (t3)(t2)result;                                   \\
  }
#define DEFINE_STORE(name, t1, t2)                           \\
  ${ALWAYS_INLINE} void name(u32 at, u32 offset, t2 value) { \\
    CHECK(at)                                                \\
    t1 wrapped = (t1)value;                                  \\
    memcpy((u8*)${base}ul + offset + at, &wrapped, sizeof(t1));  \\
  }
`;
}

function replaceOnce(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`wasm2c did not write ${from}`);
  return text.replace(from, () => to);
}
