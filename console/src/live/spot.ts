// A place in a message that is lit in the raw and in the parsed view. repetition and component 0: the whole field.
export interface Spot {
  segment: number; // From 0.
  field: number;
  repetition: number;
  component: number;
  from: "raw" | "parsed"; // The other view brings it into sight.
}

interface Place {
  field: number;
  repetition: number;
  component: number;
}

export type Light = "none" | "field" | "exact";

export function lightOf(place: Place, spot: Spot | null): Light {
  if (!spot || place.field === 0 || place.field !== spot.field) return "none";
  if (spot.component === 0 || place.component === 0) return spot.component === 0 ? "exact" : "field";
  return place.repetition === spot.repetition && place.component === spot.component ? "exact" : "field";
}

// Spots travel in the page as data-spot="segment.field.repetition.component".
export function spotName(segment: number, { field, repetition, component }: Place): string {
  return `${segment}.${field}.${repetition}.${component}`;
}

export function spotAt(target: EventTarget | null, from: Spot["from"]): Spot | null {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-spot]") : null;
  const numbers = element?.dataset["spot"]?.split(".").map(Number);
  if (!numbers || numbers.length !== 4) return null;
  const [segment, field, repetition, component] = numbers as [number, number, number, number];
  return field === 0 ? null : { segment, field, repetition, component, from };
}

export function sameSpot(a: Spot | null, b: Spot | null): boolean {
  if (!a || !b) return a === b;
  return spotName(a.segment, a) === spotName(b.segment, b) && a.from === b.from;
}
