/**
 * Where a simulated city's stations stand: the arrondissements and communes that Vélib' serves, with the digits their
 * station codes begin with. Centres, extents and station counts are medians over the public feed, rounded.
 */

/** One arrondissement or commune. */
export interface Place {
  /** First digits of its station codes: 16 for 16107 (Paris), 320 for 32017 (Saint-Denis). */
  readonly codePrefix: number;
  readonly postcode: string;
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly radiusMeters: number;
  /** Stations of the real system there: its share of the simulated ones. */
  readonly weight: number;
}

type Row = readonly [
  codePrefix: number,
  postcode: string,
  name: string,
  lat: number,
  lon: number,
  radiusMeters: number,
  weight: number,
];

const ROWS: readonly Row[] = [
  [1, "75001", "Paris 1", 48.863, 2.341, 700, 26],
  [2, "75002", "Paris 2", 48.868, 2.343, 550, 25],
  [3, "75003", "Paris 3", 48.863, 2.36, 600, 15],
  [4, "75004", "Paris 4", 48.855, 2.356, 750, 26],
  [5, "75005", "Paris 5", 48.845, 2.349, 800, 37],
  [6, "75006", "Paris 6", 48.85, 2.333, 850, 33],
  [7, "75007", "Paris 7", 48.857, 2.315, 1150, 28],
  [8, "75008", "Paris 8", 48.874, 2.31, 1250, 54],
  [9, "75009", "Paris 9", 48.877, 2.338, 800, 46],
  [10, "75010", "Paris 10", 48.875, 2.359, 900, 52],
  [11, "75011", "Paris 11", 48.859, 2.378, 1150, 57],
  [12, "75012", "Paris 12", 48.841, 2.397, 1500, 69],
  [13, "75013", "Paris 13", 48.829, 2.363, 1450, 67],
  [14, "75014", "Paris 14", 48.831, 2.325, 1300, 56],
  [15, "75015", "Paris 15", 48.84, 2.295, 1500, 89],
  [16, "75016", "Paris 16", 48.862, 2.275, 1500, 61],
  [17, "75017", "Paris 17", 48.886, 2.31, 1400, 63],
  [18, "75018", "Paris 18", 48.891, 2.345, 1250, 61],
  [19, "75019", "Paris 19", 48.885, 2.383, 1350, 63],
  [20, "75020", "Paris 20", 48.864, 2.403, 1450, 68],
  [210, "92100", "Boulogne-Billancourt", 48.833, 2.241, 1100, 29],
  [211, "92110", "Clichy", 48.904, 2.308, 800, 13],
  [212, "92120", "Montrouge", 48.815, 2.318, 850, 12],
  [213, "92130", "Issy-les-Moulineaux", 48.824, 2.266, 1050, 22],
  [214, "92140", "Clamart", 48.801, 2.262, 1500, 3],
  [215, "92150", "Suresnes", 48.871, 2.224, 900, 10],
  [217, "92170", "Vanves", 48.822, 2.291, 600, 7],
  [219, "92190", "Meudon", 48.818, 2.237, 950, 5],
  [220, "92200", "Neuilly-sur-Seine", 48.885, 2.268, 850, 13],
  [221, "92210", "Saint-Cloud", 48.856, 2.221, 600, 3],
  [222, "92220", "Bagneux", 48.797, 2.315, 1200, 6],
  [223, "92230", "Gennevilliers", 48.93, 2.297, 1200, 6],
  [224, "92240", "Malakoff", 48.819, 2.301, 700, 7],
  [225, "92250", "La Garenne-Colombes", 48.906, 2.245, 550, 6],
  [226, "92260", "Fontenay-aux-Roses", 48.791, 2.289, 750, 4],
  [227, "92270", "Bois-Colombes", 48.919, 2.27, 500, 2],
  [230, "92300", "Levallois-Perret", 48.892, 2.289, 1050, 13],
  [231, "92310", "Sèvres", 48.823, 2.212, 1050, 6],
  [232, "92320", "Châtillon", 48.803, 2.286, 850, 6],
  [233, "92330", "Sceaux", 48.78, 2.289, 700, 3],
  [234, "92340", "Bourg-la-Reine", 48.775, 2.314, 350, 1],
  [237, "92370", "Chaville", 48.809, 2.188, 600, 3],
  [238, "92380", "Garches", 48.844, 2.188, 950, 5],
  [239, "92390", "Villeneuve-la-Garenne", 48.935, 2.328, 750, 3],
  [240, "92400", "Courbevoie", 48.901, 2.261, 1250, 6],
  [241, "92410", "Ville-d'Avray", 48.826, 2.189, 350, 1],
  [250, "92500", "Rueil-Malmaison", 48.874, 2.184, 1500, 10],
  [260, "92600", "Asnières-sur-Seine", 48.915, 2.288, 1500, 13],
  [270, "92700", "Colombes", 48.924, 2.247, 1500, 6],
  [280, "92800", "Puteaux", 48.885, 2.242, 1000, 3],
  [300, "93000", "Bobigny", 48.907, 2.449, 1050, 6],
  [310, "93100", "Montreuil", 48.859, 2.437, 1100, 21],
  [311, "93110", "Rosny-sous-Bois", 48.876, 2.487, 1450, 5],
  [312, "93120", "La Courneuve", 48.926, 2.391, 800, 3],
  [313, "93130", "Noisy-le-Sec", 48.9, 2.462, 700, 2],
  [317, "93170", "Bagnolet", 48.868, 2.418, 1000, 9],
  [320, "93200", "Saint-Denis", 48.93, 2.358, 1500, 19],
  [323, "93230", "Romainville", 48.883, 2.44, 700, 5],
  [326, "93260", "Les Lilas", 48.88, 2.418, 500, 4],
  [330, "93300", "Aubervilliers", 48.911, 2.38, 1200, 13],
  [331, "93310", "Le Pré-Saint-Gervais", 48.885, 2.408, 350, 2],
  [340, "93400", "Saint-Ouen-sur-Seine", 48.906, 2.333, 1000, 10],
  [345, "93450", "L'Île-Saint-Denis", 48.935, 2.341, 350, 1],
  [350, "93500", "Pantin", 48.895, 2.411, 1200, 18],
  [400, "94000", "Créteil", 48.782, 2.458, 1500, 16],
  [411, "94110", "Arcueil", 48.809, 2.335, 450, 3],
  [412, "94120", "Fontenay-sous-Bois", 48.852, 2.472, 1050, 11],
  [413, "94130", "Nogent-sur-Marne", 48.836, 2.485, 900, 4],
  [414, "94140", "Alfortville", 48.803, 2.425, 1100, 5],
  [416, "94160", "Saint-Mandé", 48.844, 2.418, 700, 5],
  [420, "94200", "Ivry-sur-Seine", 48.814, 2.388, 1350, 17],
  [422, "94220", "Charenton-le-Pont", 48.823, 2.406, 750, 5],
  [423, "94230", "Cachan", 48.794, 2.33, 950, 5],
  [425, "94250", "Gentilly", 48.814, 2.342, 750, 4],
  [427, "94270", "Le Kremlin-Bicêtre", 48.812, 2.361, 400, 5],
  [430, "94300", "Vincennes", 48.848, 2.434, 900, 10],
  [432, "94320", "Thiais", 48.762, 2.398, 800, 2],
  [434, "94340", "Joinville-le-Pont", 48.82, 2.469, 500, 2],
  [440, "94400", "Vitry-sur-Seine", 48.789, 2.396, 1500, 16],
  [441, "94410", "Saint-Maurice", 48.818, 2.422, 650, 3],
  [450, "94500", "Champigny-sur-Marne", 48.82, 2.51, 1450, 5],
  [460, "94600", "Choisy-le-Roi", 48.767, 2.407, 700, 3],
  [470, "94700", "Maisons-Alfort", 48.807, 2.434, 1450, 6],
  [480, "94800", "Villejuif", 48.789, 2.363, 1000, 11],
  [510, "95100", "Argenteuil", 48.947, 2.243, 1400, 8],
  [920, "92000", "Nanterre", 48.894, 2.21, 1350, 8],
];

export const PLACES: readonly Place[] = ROWS.map(
  ([codePrefix, postcode, name, lat, lon, radiusMeters, weight]) => ({
    codePrefix,
    postcode,
    name,
    lat,
    lon,
    radiusMeters,
    weight,
  }),
);

/** Digits that a station's number has behind the prefix: Paris 16|107, elsewhere 320|17. */
export function numberDigits(place: Place): 2 | 3 {
  return place.codePrefix <= 20 ? 3 : 2;
}
