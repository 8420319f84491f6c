export type Apart = (value: number) => number

/**
 * Makes neighbouring whole numbers of a channel differ: a value equal to the one before moves by one step, within its limits.
 * Of the two zeros that rounding knows only the one without a sign comes out.
 */
export function createApart(distinct: boolean, highest: number, step = 1): Apart {
  let before = Number.NaN
  return (value) => {
    before = distinct && value === before ? (value + step > highest ? value - step : value + step) : value + 0
    return before
  }
}
