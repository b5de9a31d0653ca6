/** A whole number from 0 on for people: `1,234,567`. `toLocaleString` would load the tables of all languages first, which takes 20 ms. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
