/** The error of everything in this folder that parses a Nix text format. */
import { ThymeshError } from '../errors.ts'

/** A text that should have been nix32, a store path, a key or a signature, and is not. */
export class NixFormatError extends ThymeshError<'nix32-invalid' | 'store-path-invalid' | 'key-invalid'> {}
