/** The command that an advice names, to be copied: without the words and marks that stand around it. */

/** In backticks, in brackets, or behind a colon up to the end of its sentence. Undefined where there is none. */
export function commandIn(advice: string): string | undefined {
  const found = /`(thymesh [^`]+)`|\((thymesh [^)]+)\)|: (thymesh .+?)(?=[.;]?$|\. )/.exec(advice)
  return found?.slice(1).find(each => each !== undefined)
}
