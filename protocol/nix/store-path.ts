/** Store paths, `/nix/store/<hash>-<name>`: the schema that every store path from outside passes, and its two parts. */
import { z } from 'zod'
import { NixFormatError } from './format-error.ts'

/** The logical store of every fleet. A store with another name has other hashes, so it cannot share closures. */
export const storeDir = '/nix/store'

/** Nix's own limit: name, hash and `-` fit a directory entry, with room for the suffixes of temporary names. */
const maxStoreNameLength = 211

/** Characters of the hash part: 20 bytes in nix32. */
export const hashPartLength = 32

const prefix = `${storeDir}/`
/** As Nix 2.20 and later have it (`libstore/path.cc`): leading dots are fine, but not `.`, `..`, `.-…` and `..-…`. */
const pattern = /^\/nix\/store\/[0-9abcdfghijklmnpqrsvwxyz]{32}-(?!\.{1,2}(?:-|$))[0-9a-zA-Z+\-._?=]{1,211}$/

/** A full store path, nothing below it. */
export const storePathSchema = z
  .string()
  .max(prefix.length + hashPartLength + 1 + maxStoreNameLength)
  .regex(pattern, 'expected a store path such as /nix/store/<32 nix32 characters>-<name>')

/** A full store path that has passed {@link storePathSchema}. */
export type StorePath = z.infer<typeof storePathSchema>

/** The two parts of a store path. */
export interface StorePathParts {
  /** 32 nix32 characters; what a narinfo is called and what references are found by. */
  readonly hashPart: string
  readonly name: string
}

/** Whether a text is a full store path. */
export function isStorePath(text: string): boolean {
  return pattern.test(text)
}

/**
 * Takes a store path apart.
 *
 * @throws NixFormatError `store-path-invalid`
 */
export function parseStorePath(path: string): StorePathParts {
  if (!isStorePath(path)) {
    throw new NixFormatError(
      'store-path-invalid',
      `Expected a store path such as ${prefix}<32 nix32 characters>-<name>, got '${path.slice(0, 300)}'`,
    )
  }
  return {
    hashPart: path.slice(prefix.length, prefix.length + hashPartLength),
    name: path.slice(prefix.length + hashPartLength + 1),
  }
}

/** The last component, `<hash>-<name>`: how narinfo and `nix-store --dump-db` name references. */
export function storePathBaseName(path: StorePath): string {
  return path.slice(prefix.length)
}
