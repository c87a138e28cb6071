/** The error for invalid Nix text formats. */
import { ThymeshError } from '../errors.ts'

/** A text that should have been a store path, a key or a signature, and is not. */
export class NixFormatError extends ThymeshError<'store-path-invalid' | 'key-invalid'> {}
