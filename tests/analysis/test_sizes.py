"""Sizes as Brazilian shops write them; what a name leaves open is unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gondola.analysis.sizes import read_size
from gondola.sandbox import World


@pytest.mark.parametrize(
    ("name", "amount", "unit"),
    [
        ("Arroz Parboilizado Tipo 1 5kg", "5", "kg"),
        ("Refrigerante Cola 1,5 L", "1.5", "l"),
        ("Refrigerante Cola 1.5L", "1.5", "l"),
        ("Cerveja Pilsen 12x350ml", "4.2", "l"),
        ("Cerveja Pilsen Lata 350ml x 12", "4.2", "l"),
        ("Sabonete 6 x 90 g", "0.54", "kg"),
        ("Sabonete 6un de 90g", "0.54", "kg"),
        ("Cerveja Lata 355ml Pack com 4 Unidades", "1.42", "l"),
        ("Fardo Água Mineral 500ml c/ 12", "6", "l"),
        ("Chá Preto c/ 10 saquinhos 15g", "0.015", "kg"),
        ("10 unidades, 170 g", "0.17", "kg"),
        ("Papel Higiênico Folha Dupla 12 rolos 30m", "360", "m"),
        ("Papel Higiênico 4 Rolos de 30 metros", "120", "m"),
        ("Ovos Caipiras Extra 6un", "6", "un"),
        ("Ovos Brancos 1 dz", "12", "un"),
        ("Ovos Brancos Dúzia", "12", "un"),
        ("Fralda Noturna P 26un", "26", "un"),
        ("Leite Condensado 395g Leve 3 Pague 2", "0.395", "kg"),
        ("Azeitona Verde 500g Peso Drenado 300g", "0.5", "kg"),
        ("Iogurte 2% Gordura 170g", "0.17", "kg"),
        ("Whisky 8 Anos 965ml", "0.965", "l"),
        ("Café em Cápsula Intensidade 12 80g", "0.08", "kg"),
        ("Ração para Cães Filhotes 10,1kg", "10.1", "kg"),
        ("Farinha 1.500 g", "1.5", "kg"),
        ("Farinha 1.500 kg", "1.5", "kg"),
        ("VITAMINA C 500MG", "0.0005", "kg"),
        ("Caixa Organizadora Transparente 3un", "3", "un"),
    ],
)
def test_what_a_name_says(name: str, amount: str, unit: str) -> None:
    size = read_size(name)
    assert size is not None
    assert (size.amount, size.unit) == (Decimal(amount), unit)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Banana Prata Kg",
        "Cerveja 350ml com 12 unidades",  # twelve of them, or one?
        "Kit Shampoo 350ml + Condicionador 200ml",
        "Sem tamanho 100",
        "Leve 3 Pague 2",
        "Suco 0ml",
        "Tamanho G 40",
    ],
)
def test_what_a_name_leaves_open(name: str) -> None:
    assert read_size(name) is None


def test_names_of_the_sandbox_give_sizes_that_are_in_them() -> None:
    rows = list(World(products=200).shelf("serra", "default", 3))
    read = [(row, size) for row in rows if (size := read_size(row.sku_name)) is not None]
    assert len(read) > 0.75 * sum(row.measurement_unit == "un" for row in rows)
    assert all(size.amount > 0 and size.unit in {"kg", "l", "un", "m"} for _, size in read)
