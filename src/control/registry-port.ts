import type { RegistryPort, RegistryReader } from "../deployer/index.ts";
import {
  createdAt,
  isTag,
  openRegistryClient,
  parseReference,
  pullImage,
  type RegistryAccess,
  type RegistryClient,
} from "../images/index.ts";
import { type ErrorCode, SteppeError } from "../shared/errors.ts";

/** Registries as the deployer wants them. */
export function registryPort(access: RegistryAccess): RegistryPort {
  return { open: async () => readerOf(await openRegistryClient(access)) };
}

function readerOf(client: RegistryClient): RegistryReader {
  return {
    async resolve(reference, signal) {
      const found = await unless(["IMAGE_NOT_FOUND"], client.resolve(parseReference(reference), { signal }));
      return found?.digest;
    },
    async tags(repository, most, signal) {
      const tags: string[] = [];
      const read = async (): Promise<string[]> => {
        for await (const tag of client.tags(parseReference(repository), { signal })) {
          if (isTag(tag)) tags.push(tag); // what is none by the grammar, nobody can ask for
          if (tags.length >= most) break;
        }
        return tags;
      };
      return await unless(["IMAGE_NOT_FOUND"], read());
    },
    async createdAt(reference, signal) {
      // Of what is no image, or none for this machine, or what the registry keeps to itself, that is said when it is pulled.
      const image = await unless(
        ["IMAGE_NOT_FOUND", "REGISTRY_ANSWER_INVALID", "REGISTRY_REFUSED"],
        pullImage(client, parseReference(reference), { signal }),
      );
      return image === undefined ? null : createdAt(image.config);
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** Undefined if it fails with one of these. */
async function unless<Result>(codes: readonly ErrorCode[], work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SteppeError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
