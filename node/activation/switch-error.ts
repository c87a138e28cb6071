/** A switch, or the setting of the next boot, that failed. */

import { ThymeshError } from '../../protocol/errors.ts'

/** `interrupted`: the machine could not do it, which is no verdict on the generation. `no-boot-once`: its loader never can. */
export class SwitchError extends ThymeshError<'switch-failed' | 'interrupted' | 'no-boot-once'> {}

/** Messages of programs on a machine without space or memory: that is no verdict about a generation. */
export const machineLacks = /No space left on device|Disk quota exceeded|Cannot allocate memory|Read-only file system/
