/** What we use of WebAssembly: TypeScript has its types only among those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }

  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: unknown;
  }

  interface Memory {
    /** Another one after the memory grew; the one before is empty then. */
    readonly buffer: ArrayBuffer;
  }
}
