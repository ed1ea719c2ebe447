"""What a workbook says, in Portuguese and English; columns that a reader of SQL knows keep their meaning, not names."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Language", "PlainTexts", "Texts", "translated"]


class Language(StrEnum):
    """Languages of a report."""

    PORTUGUESE = "pt"
    ENGLISH = "en"


# what -> (Portuguese, English)
_WORDS: dict[str, tuple[str, str]] = {
    # sheets
    "summary": ("Resumo", "Summary"),
    "changes": ("Mudanças de preço", "Price changes"),
    "promotions": ("Ofertas", "Promotions"),
    "stores": ("Comparação de lojas", "Comparison by store"),
    "same_product": ("Mesmo produto", "Same product"),
    "unit_prices": ("Preços por unidade", "Unit prices"),
    "availability": ("Disponibilidade", "Availability"),
    "quality": ("Qualidade dos dados", "Data quality"),
    # the summary
    "title": ("Preços nas gôndolas", "Prices on the shelves"),
    "period": ("Período", "Period"),
    "as_of": ("Dados de", "Data as of"),
    "published": ("Publicado em", "Published at"),
    "version": ("Versão dos dados", "Version of the data"),
    "coverage": ("Cobertura do último dia", "Coverage of the last day"),
    "missing": ("Sem dados neste dia", "Without data that day"),
    "nothing": ("nada", "nothing"),
    "none_missing": ("nenhuma loja", "no store"),
    "complete": ("completa", "complete"),
    "partial": ("parcial", "partial"),
    "moves": ("Preços que mudaram no período", "Prices that changed in the period"),
    "index_chart": ("Índice de preços (primeiro dia = 100)", "Price index (first day = 100)"),
    "counts_chart": ("Produtos disponíveis por dia", "Products available by day"),
    "up_down_chart": ("Altas e quedas por loja", "Rises and falls by store"),
    "yardstick": (
        "Menor preço: o dos 30 dias antes da oferta (Diretiva 98/6/CE, art. 6-A); é uma medida, não um juízo jurídico.",
        "Lowest price: that of the 30 days before the offer (Directive 98/6/EC, Art. 6a); a measure, no legal finding.",
    ),
    "like_for_like": (
        "Só entram produtos com o mesmo código de barras vendidos por outra rede; 100 é a média das redes.",
        "Only products whose barcode another chain sells count; 100 is the mean of the chains.",
    ),
    "cut": (
        "Mostradas {shown} de {rows} linhas; a API e o SQL têm todas.",
        "{shown} of {rows} rows are shown; the API and SQL have all.",
    ),
    "positions": ("Posição de preço por departamento", "Price position by department"),
    "baskets": ("Cesta dos produtos que todas as lojas vendem", "Basket of the products that all stores sell"),
    "runs": ("Coletas por dia", "Crawls by day"),
    "checks": ("Verificações que falharam", "Checks that failed"),
    "days_compared": ("{since} até {day}", "{since} to {day}"),
    "all_departments": ("(todos)", "(all)"),
    "yes": ("sim", "yes"),
    "no": ("não", "no"),
    # values
    "up": ("alta", "up"),
    "down": ("queda", "down"),
    "new": ("novo", "new"),
    "gone": ("retirado", "gone"),
    "sold_out": ("esgotado", "sold out"),
    "back": ("de volta", "back"),
    "below": ("abaixo do menor preço", "below the lowest"),
    "not_below": ("não abaixo do menor preço", "not below the lowest"),
    "unknown": ("desconhecido", "unknown"),
    "price_cut": ("preço reduzido", "reduced price"),
    "multi_buy": ("leve mais", "multi-buy"),
    "club": ("clube", "club"),
    "other": ("outra", "other"),
    "declared": ("da loja", "the store's"),
    "name": ("do nome", "from the name"),
    "failed": ("falhou", "failed"),
    # columns
    "kind": ("Mudança", "Change"),
    "supermarket": ("Rede", "Chain"),
    "region": ("Região", "Region"),
    "shelf": ("Loja", "Store"),
    "sku_id": ("SKU", "SKU"),
    "product_name": ("Produto", "Product"),
    "brand": ("Marca", "Brand"),
    "department": ("Departamento", "Department"),
    "category": ("Categoria", "Category"),
    "gtin": ("Código de barras", "Barcode"),
    "previous_price": ("Preço anterior", "Price before"),
    "price": ("Preço", "Price"),
    "change_amount": ("Diferença", "Difference"),
    "change_percent": ("Variação", "Change %"),
    "promotion": ("Tipo de oferta", "Kind of offer"),
    "reference_price": ("Preço de referência", "Reference price"),
    "claimed_percent": ("Desconto anunciado", "Claimed reduction"),
    "lowest_price_30_days": ("Menor preço em 30 dias", "Lowest price in 30 days"),
    "percent_below_lowest": ("Abaixo do menor preço", "Below the lowest"),
    "verdict": ("Comparação com o menor preço", "Against the lowest"),
    "days_observed": ("Dias observados", "Days observed"),
    "offer_since": ("Oferta desde", "Offer since"),
    "chains": ("Redes", "Chains"),
    "lowest_price": ("Menor preço", "Lowest price"),
    "lowest_at": ("Onde é menor", "Lowest at"),
    "highest_price": ("Maior preço", "Highest price"),
    "highest_at": ("Onde é maior", "Highest at"),
    "spread_percent": ("Diferença %", "Spread %"),
    "measurement_unit": ("Unidade", "Unit"),
    "unit_price": ("Preço por unidade", "Unit price"),
    "price_unit": ("Por", "Per"),
    "unit_price_source": ("Origem do tamanho", "Source of the size"),
    "is_available": ("Disponível", "Available"),
    "days_listed": ("Dias à mostra", "Days listed"),
    "days_available": ("Dias disponível", "Days available"),
    "share_available": ("Disponibilidade", "Availability"),
    "last_available_date": ("Última vez disponível", "Last available"),
    "items_compared": ("Produtos comparados", "Products compared"),
    "total": ("Total", "Total"),
    "percent_above_cheapest": ("Acima da mais barata", "Above the cheapest"),
    "percent_from_mean": ("Em relação à média", "From the mean"),
    "compared": ("Produtos comparados", "Products compared"),
    "mean_change_percent": ("Variação média", "Mean change"),
    "price_date": ("Dia", "Day"),
    "status": ("Situação", "Status"),
    "share_received": ("Recebido do declarado", "Received of declared"),
    "received_products": ("Produtos recebidos", "Products received"),
    "expected_products": ("Produtos declarados", "Products declared"),
    "rejected_skus": ("SKUs rejeitados", "SKUs rejected"),
    "error": ("Erro", "Error"),
    "business_date": ("Dia", "Day"),
    "check_name": ("Verificação", "Check"),
    "subject": ("O quê", "Subject"),
    "severity": ("Gravidade", "Severity"),
    "expected": ("Esperado", "Expected"),
    "actual": ("Encontrado", "Found"),
    "period_start": ("Dia", "Day"),
    "index": ("Índice", "Index"),
    "items": ("Produtos", "Products"),
    "share_matched": ("Produtos em comum", "Products shared"),
    "products_available": ("Produtos disponíveis", "Products available"),
}


class Texts:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = list(Language).index(language)

    def __getitem__(self, what: str) -> str:
        return _WORDS[what][self._place]

    def value(self, what: str) -> str:
        """A value of a table as a reader says it; what has no word stays as it is."""
        return _WORDS[what][self._place] if what in _WORDS else what

    @property
    def date_format(self) -> str:
        """How Excel writes a date."""
        return "dd/mm/yyyy" if self.language is Language.PORTUGUESE else "yyyy-mm-dd"


class PlainTexts(Texts):
    """The names as they are, for what programs read."""

    def __init__(self) -> None:
        super().__init__(Language.ENGLISH)

    def __getitem__(self, what: str) -> str:
        return what

    def value(self, what: str) -> str:
        """The value as it is."""
        return what


def translated() -> dict[str, tuple[str, str]]:
    """Every text in every language, for a test that none is forgotten."""
    return dict(_WORDS)
