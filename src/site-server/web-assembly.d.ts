/** What we use of WebAssembly: TypeScript has its types only among those of browsers. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  const Module: new (bytes: Uint8Array) => Module;

  interface Instance {
    readonly exports: unknown;
  }
  const Instance: new (module: Module, imports?: object) => Instance;

  interface Memory {
    /** Another one after the memory grew; the one before is empty then. */
    readonly buffer: ArrayBuffer;
  }
}
