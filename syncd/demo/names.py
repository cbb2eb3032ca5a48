"""Names that people in the demo may carry, by tongue, diacritics and other scripts included."""

# ruff: noqa: RUF001 - a dotless i is how Turkish names are spelled

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """First and last names of one tongue."""

    first: tuple[str, ...]
    last: tuple[str, ...]


def _names(first: str, last: str) -> Names:
    return Names(tuple(first.split()), tuple(name.strip() for name in last.split(",")))


NAMES = {
    "dutch": _names(
        "Sanne Daan Emma Bram Lotte Sem Fleur Thijs Anouk Jeroen Maaike Pieter Femke Ruben Noor "
        "Joost Iris Wouter Eva Stijn Loïs Zoë Héloïse Jurriën Renée Gijs Marloes Sjoerd Tess Koen",
        "de Vries, Jansen, van den Berg, Bakker, van Dijk, Visser, Smit, Meijer, de Boer, Mulder, "
        "de Groot, Bos, Vos, Peters, Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, "
        "Smits, de Graaf, van der Meer, van 't Hof, Coëlho, Müller-Bos, Ten Have, Kuipers",
    ),
    "german": _names(
        "Anna Lukas Lena Jonas Jürgen Sören Käthe Björn Mia Felix Günther Hänsel Leonie Max Marie "
        "Paul Sophie Finn Clara Emil Ömer Jörg Ute Karl-Heinz Anna-Lena Greta Moritz Änne Till",
        "Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, "
        "Schäfer, Koch, Bauer, Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, "
        "Weiß, Groß, Jäger, Köhler, Böhm, von der Heide, Krüger-Lang, Strauß",
    ),
    "french": _names(
        "Camille Léa Hugo Chloé Louis Inès Jules Zoé Élodie François Hélène René Noémie Théo "
        "Océane Jérôme Anaïs Gaël Margaux Loïc Aurélie Benoît Manon Cédric Jean-Luc Marie-Ève",
        "Martin, Bernard, Dubois, Thomas, Robert, Richard, Petit, Durand, Leroy, Moreau, Simon, "
        "Lefèvre, Garçon, Fournier, Girard, D'Alembert, de La Tour, L'Hôpital, Mercier, Boyer, "
        "Lévêque, Prévost, Béranger, Saint-Rémy, Desprès, Noël, Chauvin",
    ),
    "english": _names(
        "Olivia George Amelia Harry Isla Jack Ava Noah Emily Charlie Sophia Oscar Grace Leo Freya "
        "Arthur Mary James Siobhán Zoë Chloë Rhys Cerys Angus Morag Niamh Declan Anne-Marie",
        "Smith, Jones, Taylor, Brown, Williams, Wilson, Johnson, Davies, Patel, Robinson, Wright, "
        "Thompson, Evans, Walker, White, O'Brien, O'Connor, MacLeod, Fitz-Gerald, Hughes, Green, "
        "Hall, Lewis, Brontë, St. John, Lloyd-Jones, Ó Súilleabháin, Campbell",
    ),
    "spanish": _names(
        "Lucía Martín Sofía Mateo María José Inés Íñigo Ángel Begoña Raúl Nuria Andrés Mónica "
        "Jesús Álvaro Concepción Óscar Paula Diego",
        "García, Fernández, González, Rodríguez, López, Martínez, Sánchez, Pérez, Gómez, Muñoz, "
        "Núñez, Ibáñez, Peña, de la Cruz, Ruiz-Mateos, Castaño, Zúñiga, Ortega",
    ),
    "italian": _names(
        "Giulia Leonardo Aurora Francesco Alice Lorenzo Niccolò Giosuè Chiara Matteo Noè Beatrice "
        "Andrea Pietro Elena Davide Ginevra Tommaso",
        "Rossi, Russo, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, D'Angelo, Dell'Acqua, "
        "Nicolò, De Luca, Di Stefano, Galli, Conti, Mancini, Fabbri",
    ),
    "nordic": _names(
        "Åsa Björn Märta Göran Linnéa Sören Øyvind Kåre Astrid Élin Oskar Freja Søren Maja Håkan",
        "Andersson, Johansson, Lindström, Åkesson, Öberg, Sjögren, Nyström, Bergström, Ødegård, "
        "Kjær, Hägg, Lindqvist, Wallén, Sørensen, Ström",
    ),
    "polish": _names(
        "Zofia Jakub Łucja Paweł Małgorzata Michał Świętosława Grażyna Wojciech Agnieszka Józef "
        "Żaneta Bartłomiej Kasia Stanisław",
        "Nowak, Kowalska, Wiśniewski, Wójcik, Kamińska, Lewandowski, Zielińska, Szymański, "
        "Woźniak, Dąbrowski, Kozłowska, Jabłoński, Gołąb, Źrebiec, Święcicka",
    ),
    "greek": _names(
        "Γιώργος Μαρία Νίκος Ελένη Δημήτρης Σοφία Κωνσταντίνος Άννα Παναγιώτης Ιωάννα Χρήστος "
        "Θεοδώρα",
        "Παπαδόπουλος, Νικολαΐδης, Γεωργίου, Οικονόμου, Βασιλείου, Αντωνίου, Καραγιάννης, "
        "Μακρής, Ιωαννίδου, Παππάς",
    ),
    "turkish": _names(
        "İbrahim Ayşe Işıl Çağla Gökhan Şule Ömer Yiğit Zeynep Oğuz Ümit Elif Kıvanç Nağme",
        "Yılmaz, Kaya, Demir, Çelik, Şahin, Yıldız, Öztürk, Aydın, Özdemir, Kılıç, Doğan, "
        "İnönü, Işık, Güneş",
    ),
    "japanese": _names(
        "陽菜 蓮 結衣 大翔 さくら 悠真 美咲 翔太 ひなた 健 葵 樹",
        "佐藤, 鈴木, 高橋, 田中, 渡辺, 伊藤, 山本, 中村, 小林, 加藤, 吉田, 斎藤",
    ),
}
