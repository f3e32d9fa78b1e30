/**
 * Alea, the random number generator of Johannes Baagøe that tfjs seeds its samplers with: a multiply-with-carry
 * generator whose three lags are hashed from a text.
 */

const twoTo32 = 2 ** 32;

/** A running hash of texts to numbers in [0, 1). */
function createMash(): (text: string) => number {
  let state = 0xefc8249d;
  return (text) => {
    for (let index = 0; index < text.length; index++) {
      state += text.charCodeAt(index);
      let product = 0.02519603282416938 * state;
      state = product >>> 0;
      product = (product - state) * state;
      state = product >>> 0;
      state += (product - state) * twoTo32;
    }
    return (state >>> 0) / twoTo32;
  };
}

/** Random numbers in [0, 1) with 32 bits, determined by `seed`. */
export function createAlea(seed: string): () => number {
  const mash = createMash();
  const lags = [mash(' '), mash(' '), mash(' ')];
  for (const index of lags.keys()) {
    lags[index]! -= mash(seed);
    if (lags[index]! < 0) lags[index]! += 1;
  }
  let [first, second, third] = lags as [number, number, number];
  let carry = 1;
  return () => {
    const next = 2091639 * first + carry / twoTo32;
    first = second;
    second = third;
    carry = Math.trunc(next);
    third = next - carry;
    return third;
  };
}
